import { connect, type Socket } from 'node:net';

export interface HttpAnswer {
  readonly status: number;
  readonly body: Buffer;
}

interface Waiting {
  readonly resolve: (answer: HttpAnswer) => void;
  readonly reject: (error: Error) => void;
}

const HEADERS_END = Buffer.from('\r\n\r\n');
const LINE_END = '\r\n';

/**
 * One kept-alive HTTP/1.1 connection, one request at a time. It costs a fraction of a general client, so that on a
 * machine with few cores the server is what is measured.
 */
export class HttpConnection {
  private pieces: Buffer[] = [];
  private received = 0;
  private expected: number | undefined;
  private waiting: Waiting | undefined;
  private broken: Error | undefined;

  private constructor(private readonly socket: Socket) {
    socket.setNoDelay(true);
    socket.on('data', (piece: Buffer) => this.take(piece));
    socket.on('error', (error) => this.fail(error));
    socket.on('close', () => this.fail(new Error('the server closed the connection')));
  }

  static open(port: number): Promise<HttpConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port });
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new HttpConnection(socket));
      });
    });
  }

  /** False once the server has closed it, as servers do with those that are idle for long. */
  get isOpen(): boolean {
    return !this.broken;
  }

  /** @throws when the connection breaks before the whole answer is there */
  send(request: Buffer): Promise<HttpAnswer> {
    if (this.broken) return Promise.reject(this.broken);
    return new Promise((resolve, reject) => {
      this.waiting = { resolve, reject };
      this.socket.write(request);
    });
  }

  close(): void {
    this.socket.destroy();
  }

  private take(piece: Buffer): void {
    this.pieces.push(piece);
    this.received += piece.length;
    if (this.expected !== undefined && this.received < this.expected) return;
    const whole = this.pieces.length === 1 ? piece : Buffer.concat(this.pieces);
    this.pieces = [whole];
    const head = whole.indexOf(HEADERS_END);
    if (head < 0) return;
    const headers = whole.toString('latin1', 0, head);
    const length = /\r\ncontent-length: *(\d+)/i.exec(headers)?.[1];
    const start = head + HEADERS_END.length;
    if (length === undefined) return this.takeChunked(headers, whole, start);
    this.expected = start + Number(length);
    if (this.received >= this.expected) this.finish(headers, whole.subarray(start, this.expected));
  }

  private takeChunked(headers: string, whole: Buffer, start: number): void {
    const parts: Buffer[] = [];
    for (let at = start; ;) {
      const line = whole.indexOf(LINE_END, at);
      if (line < 0) return;
      const size = Number.parseInt(whole.toString('latin1', at, line), 16);
      const begin = line + LINE_END.length;
      if (begin + size + LINE_END.length > whole.length) return;
      if (size === 0) return this.finish(headers, Buffer.concat(parts));
      parts.push(whole.subarray(begin, begin + size));
      at = begin + size + LINE_END.length;
    }
  }

  private finish(headers: string, body: Buffer): void {
    const waiting = this.waiting;
    this.pieces = [];
    this.received = 0;
    this.expected = undefined;
    this.waiting = undefined;
    waiting?.resolve({ status: Number(headers.slice(9, 12)), body });
  }

  private fail(error: Error): void {
    this.broken ??= error;
    const waiting = this.waiting;
    this.waiting = undefined;
    waiting?.reject(error);
  }
}

/** A POST of a GraphQL operation, as bytes. */
export function graphqlRequest(body: object, token: string, headers = ''): Buffer {
  const text = JSON.stringify(body);
  return Buffer.from(
    `POST /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${token}\r\ncontent-type: application/json\r\n` +
      `accept: application/json\r\n${headers}content-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
  );
}
