import { once } from 'node:events';
import { Agent, createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { between, type Random } from '../../src/embedded/random.js';
import { SECOND, type Milliseconds } from '../../src/units.js';

/** What can go wrong with an answer of the store. */
export const ORIGIN_FAULTS = ['slow', '503', 'reset', 'cut-short', 'wrong-length', 'stalled'] as const;
export type OriginFault = (typeof ORIGIN_FAULTS)[number];

const SLOWEST: Milliseconds = 1_500;
const LONGEST_STALL: Milliseconds = 2 * SECOND;
const REFUSAL = '<?xml version="1.0" encoding="UTF-8"?><Error><Code>SlowDown</Code></Error>';

/** An HTTP proxy on 127.0.0.1 in front of an S3 store. What is signed passes as it is, the name of the host included. */
export class OriginProxy {
  /** How often each fault was put in. */
  readonly done = new Map<OriginFault, number>();
  /** What happens now to a share of the answers. */
  fault: { readonly kind: OriginFault; readonly share: number } | undefined;
  /** Bodies pass at this pace, a pause after each piece. */
  pause: Milliseconds = 0;
  endpoint = '';
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 64 });
  private server: Server | undefined;

  constructor(
    private readonly target: string,
    /** The head of each answer is late by up to so much. */
    private readonly latency: Milliseconds,
    private readonly random: Random,
  ) {}

  async open(): Promise<this> {
    this.server = createServer({ noDelay: true }, (incoming, answer) => void this.pass(incoming, answer));
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    this.endpoint = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
    return this;
  }

  close(): void {
    this.server?.close();
    this.server?.closeAllConnections();
    this.agent.destroy();
  }

  private async pass(incoming: IncomingMessage, answer: ServerResponse): Promise<void> {
    const fault = this.fault && this.random() < this.fault.share ? this.fault.kind : undefined;
    incoming.on('error', () => undefined);
    answer.on('error', () => undefined);
    await wait(fault === 'slow' ? this.count('slow', between(this.random, 300, SLOWEST)) : this.random() * this.latency);
    if (fault === '503') {
      incoming.resume();
      answer.writeHead(503, { 'content-type': 'application/xml' }).end(this.count('503', REFUSAL));
      return;
    }
    const { hostname, port } = new URL(this.target);
    const { method, url, headers } = incoming;
    const sent = request({ agent: this.agent, hostname, port, method, path: url, headers }, (got) => {
      void this.answer(got, answer, method === 'GET' ? fault : undefined).catch(() => answer.destroy());
    });
    sent.on('error', () => answer.destroy());
    answer.once('close', () => sent.destroy());
    incoming.pipe(sent);
  }

  private async answer(got: IncomingMessage, answer: ServerResponse, fault: OriginFault | undefined): Promise<void> {
    const length = Number(got.headers['content-length'] ?? 0);
    const isFile = (got.statusCode === 200 || got.statusCode === 206) && length > 1;
    // Everything of the body up to here passes.
    const end = isFile && fault !== undefined && fault !== 'slow' ? between(this.random, 0, length - 1) : Infinity;
    const headers = { ...got.headers };
    if (end < Infinity && fault === 'wrong-length') headers['content-length'] = String(end);
    answer.writeHead(got.statusCode ?? 502, headers);
    let passed = 0;
    let isDue = isFile && fault !== undefined && fault !== 'slow';
    for await (const piece of got as AsyncIterable<Buffer>) {
      const before = isDue ? piece.subarray(0, Math.max(0, end - passed)) : piece;
      passed += piece.length;
      await write(answer, before);
      if (isDue && passed > end && fault !== undefined) {
        isDue = false;
        if (await this.breakOff(fault, answer)) return;
        await write(answer, piece.subarray(before.length));
      }
      if (this.pause > 0) await wait(this.pause);
    }
    answer.end();
  }

  /** Whether nothing more of the answer is to pass. */
  private async breakOff(fault: OriginFault, answer: ServerResponse): Promise<boolean> {
    this.count(fault, undefined);
    if (fault === 'stalled') await wait(between(this.random, 500, LONGEST_STALL));
    else if (fault === 'wrong-length') answer.end();
    else if (fault === 'reset') answer.socket?.resetAndDestroy();
    else answer.socket?.end();
    return fault !== 'stalled';
  }

  private count<T>(kind: OriginFault, value: T): T {
    this.done.set(kind, (this.done.get(kind) ?? 0) + 1);
    return value;
  }
}

/** Waits until there is room for more. */
async function write(answer: ServerResponse, piece: Buffer): Promise<void> {
  if (answer.destroyed) throw new Error('the client has left');
  if (piece.length === 0 || answer.write(piece)) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      answer.off('drain', done).off('close', done);
      resolve();
    };
    answer.on('drain', done).on('close', done);
  });
}

function wait(time: Milliseconds): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, time));
}
