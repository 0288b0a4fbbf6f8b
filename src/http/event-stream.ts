import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { DropReason } from '../telemetry/metrics.js';
import { Backlog } from './backlog.js';
import type { LiveConnection } from './connections.js';
import { cutLater, TOO_SLOW, type LiveDeps } from './live.js';

const COMMENT = ':\n\n';
const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
};

/** An error as clients get it. */
interface LastError {
  readonly message: string;
  readonly extensions: { readonly code: string };
}

/** One answer as server-sent events, in the words of graphql-sse's distinct connections: `next`, and `complete` at the end. */
export class EventStream implements LiveConnection {
  readonly transport = 'sse';
  private readonly backlog = new Backlog();
  /** What came before the head was sent. */
  private early: (() => void)[] | undefined = [];
  private isEnding = false;

  constructor(
    private readonly response: ServerResponse,
    private readonly headers: OutgoingHttpHeaders,
    private readonly deps: Pick<LiveDeps, 'metrics' | 'time'>,
  ) {}

  /** Sends the head, which tells the client that its subscription has begun. */
  begin(): void {
    if (!this.early) return;
    const { early } = this;
    this.early = undefined;
    this.response.writeHead(200, { ...this.headers, ...HEADERS });
    this.response.write(COMMENT);
    for (const write of early) write();
  }

  /** @param text JSON, which has no line breaks */
  next(text: string): void {
    if (this.backlog.isFull) this.drop('slow', { message: TOO_SLOW, extensions: { code: 'RATE_LIMITED' } });
    else this.write(`event: next\ndata: ${text}\n\n`);
  }

  /** Nothing more will come. */
  complete(): void {
    this.write('event: complete\ndata:\n\n');
    this.end();
  }

  fail(errors: readonly object[]): void {
    this.write(`event: next\ndata: ${JSON.stringify({ errors })}\n\n`);
    this.complete();
  }

  /** Ends it for a reason that is counted. */
  drop(reason: DropReason, error: LastError): void {
    if (this.isEnding) return;
    this.deps.metrics.liveDropped(reason);
    this.fail([error]);
  }

  beat(): void {
    if (!this.early && !this.backlog.isFull) this.write(COMMENT);
  }

  /** Without `complete`: the client shall connect again, and get to another gateway. */
  goAway(): void {
    this.end();
  }

  cut(): void {
    this.response.destroy();
  }

  private write(text: string): void {
    if (this.isEnding || this.response.destroyed) return;
    const taken = this.backlog.add(text.length);
    const write = (): void => void this.response.write(text, taken);
    if (this.early) this.early.push(write);
    else write();
  }

  private end(): void {
    if (this.isEnding) return;
    this.isEnding = true;
    this.begin();
    cutLater(this.response, this.deps.time, () => this.response.destroy());
    this.response.end();
  }
}
