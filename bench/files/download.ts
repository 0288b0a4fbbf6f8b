import { createHash, type Hash } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { KIB, SECOND, type Bytes, type Milliseconds } from '../../src/units.js';

export interface DownloadTarget {
  readonly port: number;
  /** Path and query. */
  readonly target: string;
  readonly headers: readonly string[];
}

export interface Downloaded {
  readonly status: number;
  readonly bytes: Bytes;
  /** Of the body; `undefined` unless asked for. */
  readonly sha256: string | undefined;
  /** From the request until the first byte of the body. */
  readonly firstByte: Milliseconds;
  /** From the request until the last. */
  readonly lastByte: Milliseconds;
}

export interface DownloadOptions {
  readonly hash?: boolean;
  /** The most bytes read per second, from the first byte on; default: all that come. */
  readonly rate?: Bytes;
}

const HEAD_END = '\r\n\r\n';
/** What is read is used before the next read begins, so that all downloads can share it. */
const BUFFER = Buffer.allocUnsafeSlow(256 * KIB);

/** One connection for one file, whose bytes are counted (and hashed) and thrown away. It costs a fraction of a general client. */
export class Download {
  received: Bytes = 0;
  readonly #socket: Socket;
  #take: (piece: Buffer) => boolean = () => true;
  #fail: (error: Error) => void = () => undefined;

  private constructor(port: number, opened: (error?: Error) => void) {
    const onread = {
      buffer: BUFFER,
      callback: (count: number, buffer: Uint8Array) => this.#take(buffer.subarray(0, count) as Buffer),
    };
    this.#socket = connect({ host: '127.0.0.1', port, onread });
    this.#socket.setNoDelay(true);
    this.#socket.once('connect', () => opened());
    this.#socket.on('error', (error) => {
      opened(error);
      this.#fail(error);
    });
    this.#socket.on('close', () => this.#fail(new Error(`the connection ended after ${this.received} bytes of the body`)));
  }

  static open(port: number): Promise<Download> {
    return new Promise((resolve, reject) => {
      const download: Download = new Download(port, (error) => (error ? reject(error) : resolve(download)));
    });
  }

  /** A GET. @throws when the connection ends before the announced length has arrived, as after `stop` */
  get({ target, headers }: Omit<DownloadTarget, 'port'>, { hash = false, rate }: DownloadOptions = {}): Promise<Downloaded> {
    const lines = [`GET ${target} HTTP/1.1`, 'host: 127.0.0.1', 'connection: close', ...headers];
    const result = new Promise<Downloaded>((resolve, reject) => {
      const body = new Body(hash ? createHash('sha256') : undefined);
      this.#fail = reject;
      this.#take = (piece) => {
        const done = body.take(piece);
        this.received = body.received;
        if (done === 'malformed') this.#socket.destroy(new Error('the answer must have a Content-Length'));
        else if (done) {
          resolve(done);
          this.#socket.destroy();
        }
        return rate === undefined || this.#keepTo(rate, body.firstAt);
      };
    });
    this.#socket.write(`${lines.join('\r\n')}${HEAD_END}`);
    return result;
  }

  /** Goes away in the middle. */
  stop(): void {
    this.#socket.destroy();
  }

  /** False: stop reading; goes on by itself when it is time for more. */
  #keepTo(rate: Bytes, since: Milliseconds | undefined): boolean {
    if (since === undefined) return true;
    const early = (this.received / rate) * SECOND - (performance.now() - since);
    if (early <= 0) return true;
    setTimeout(() => this.#socket.resume(), early);
    return false;
  }
}

/** The answer as it arrives. */
class Body {
  received: Bytes = 0;
  firstAt: Milliseconds | undefined;
  readonly #sentAt = performance.now();
  readonly #hash: Hash | undefined;
  #head = '';
  #length: Bytes | undefined;

  constructor(hash: Hash | undefined) {
    this.#hash = hash;
  }

  /** Gives the result with the last piece. */
  take(piece: Buffer): Downloaded | 'malformed' | undefined {
    const body = this.#length === undefined ? this.#takeHead(piece) : piece;
    if (body === undefined) return undefined;
    if (this.#length === undefined) return 'malformed';
    if (body.length > 0) this.firstAt ??= performance.now();
    this.received += body.length;
    this.#hash?.update(body);
    return this.received >= this.#length ? this.#result() : undefined;
  }

  /** What follows the head, once it is complete. */
  #takeHead(piece: Buffer): Buffer | undefined {
    const before = this.#head.length;
    this.#head += piece.toString('latin1');
    const end = this.#head.indexOf(HEAD_END);
    if (end < 0) return undefined;
    this.#head = this.#head.slice(0, end);
    const length = /\r\ncontent-length: *(\d+)/i.exec(this.#head)?.[1];
    this.#length = length === undefined ? undefined : Number(length);
    return piece.subarray(end + HEAD_END.length - before);
  }

  #result(): Downloaded {
    const lastByte = performance.now() - this.#sentAt;
    const firstByte = (this.firstAt ?? performance.now()) - this.#sentAt;
    const status = Number(this.#head.slice(9, 12));
    return { status, bytes: this.received, sha256: this.#hash?.digest('hex'), firstByte, lastByte };
  }
}

export async function download(from: DownloadTarget, options: DownloadOptions = {}): Promise<Downloaded> {
  return (await Download.open(from.port)).get(from, options);
}
