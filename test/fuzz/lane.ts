import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { SECOND, type Milliseconds } from '../../src/units.js';
import type { Outcome, Probe } from './probe.js';

/** Longer than any limit of the gateway that is fuzzed. */
const PATIENCE: Milliseconds = 12 * SECOND;
/** How long an answer that may never end is listened to. */
const STREAM: Milliseconds = 40;
/** How long is waited for more before a connection of one's own is ended, and how long for the first byte. */
const LULL: Milliseconds = 15;
const SILENT: Milliseconds = 80;
/** How long the gateway may take to close what the client has ended. */
const ENDING: Milliseconds = SECOND;

/** One place of the fuzzer: it keeps a connection, and opens others for what needs them. */
export class Lane {
  private kept: Socket | undefined;

  constructor(private readonly port: number) {}

  send(probe: Probe): Promise<Outcome> {
    switch (probe.way) {
      case 'exchange':
        return this.exchange(probe);
      case 'stream':
      case 'socket':
        return this.alone(probe);
    }
  }

  close(): void {
    this.kept?.destroy();
  }

  private exchange({ pieces, method }: Probe): Promise<Outcome> {
    const socket = this.kept && !this.kept.destroyed && this.kept.writable ? this.kept : this.open();
    this.kept = socket;
    return new Promise((resolve) => {
      let text = '';
      const finish = (status: Outcome['status'], keep: boolean): void => {
        clearTimeout(timer);
        socket.removeAllListeners('data').removeAllListeners('close');
        if (!keep) {
          socket.destroy();
          this.kept = undefined;
        }
        resolve({ status, text });
      };
      const timer = setTimeout(() => finish('silence', false), PATIENCE);
      socket.on('data', (data: string) => {
        text += data;
        const end = endOfAnswer(text, method);
        if (end === undefined) return;
        finish(statusOf(text), end.keep && end.at === text.length);
      });
      socket.once('close', () => finish(text === '' ? 'closed' : statusOf(text), false));
      for (const piece of pieces) socket.write(piece);
    });
  }

  private async alone({ pieces, way }: Probe): Promise<Outcome> {
    const socket = this.open();
    let [text, isClosed] = ['', false];
    let heard: Milliseconds | undefined;
    const closed = new Promise<void>((resolve) => socket.once('close', resolve)).then(() => void (isClosed = true));
    socket.on('data', (data: string) => {
      text += data;
      heard = performance.now();
    });
    const [first, more] = way === 'stream' ? [PATIENCE, STREAM] : [SILENT, LULL];
    const began = performance.now();
    const isQuiet = () => performance.now() - (heard ?? began) > (heard === undefined ? first : more);
    for (const [index, piece] of pieces.entries()) {
      socket.write(piece);
      if (index === 0 && pieces.length > 1) await Promise.race([sleep(3), closed]);
    }
    while (!isClosed && !isQuiet()) await Promise.race([sleep(LULL), closed]);
    // Whatever waits for more of the request learns that there is none.
    socket.end();
    if (way === 'socket') await Promise.race([sleep(ENDING, undefined, { ref: false }), closed]);
    socket.destroy();
    return { status: text === '' ? (isClosed ? 'closed' : 'silence') : statusOf(text), text };
  }

  private open(): Socket {
    const socket = connect({ host: '127.0.0.1', port: this.port });
    socket.setEncoding('latin1').setNoDelay(true);
    socket.on('error', () => undefined);
    return socket;
  }
}

function statusOf(text: string): Outcome['status'] {
  const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(text.replace(/^HTTP\/1\.1 100 [^\r]*\r\n\r\n/, ''))?.[1]);
  return Number.isNaN(status) ? 'closed' : status;
}

/** Where the first final answer in `text` ends, and whether the connection goes on; `undefined`: not yet. */
function endOfAnswer(text: string, method: string | undefined): { at: number; keep: boolean } | undefined {
  const skipped = /^HTTP\/1\.1 1\d\d [^\r]*\r\n(?:[^\r]+\r\n)*\r\n/.exec(text)?.[0].length ?? 0;
  const head = text.indexOf('\r\n\r\n', skipped);
  if (head < 0) return undefined;
  const headers = text.slice(skipped, head).toLowerCase();
  const keep = !/\r\nconnection: *close/.test(headers);
  const start = head + 4;
  const status = Number(headers.slice(9, 12));
  if (method === 'HEAD' || status === 204 || status === 304) return { at: start, keep };
  const length = /\r\ncontent-length: *(\d+)/.exec(headers)?.[1];
  if (length !== undefined) {
    const at = start + Number(length);
    return text.length >= at ? { at, keep } : undefined;
  }
  // Chunked: data of ours holds no line "0" of its own.
  const end = text.indexOf('\r\n0\r\n\r\n', head + 2);
  return end < 0 ? undefined : { at: end + 7, keep };
}
