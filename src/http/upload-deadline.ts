import type { IncomingMessage, Server } from 'node:http';
import type { Time } from '../time.js';
import type { Milliseconds } from '../units.js';
import { answerClientError } from './client-errors.js';

/**
 * How long clients may take to send the bodies of their requests. Node's own `requestTimeout` is one for all, and would cut
 * uploads that are large and not slow: here one request can be let off, by whoever watches over it instead.
 */
export class BodyDeadlines {
  private readonly cancels = new WeakMap<IncomingMessage, () => void>();

  constructor(
    private readonly longest: Milliseconds,
    private readonly time: Time,
  ) {}

  /** Cuts the connections of `server` whose bodies do not arrive in time. To be called before it listens. */
  watch(server: Server): void {
    server.prependListener('request', (request: IncomingMessage) => {
      if (hasBody(request)) this.start(request);
    });
  }

  /** `request` may take as long as it likes, until `start`. */
  lift(request: IncomingMessage): void {
    this.cancels.get(request)?.();
  }

  /** What is not there yet of the body of `request` must arrive in `patience`, by default in the time that all have. */
  start(request: IncomingMessage, patience: Milliseconds = this.longest): void {
    this.lift(request);
    if (request.complete || request.destroyed) return;
    const cancel = this.time.after(patience, () => {
      if (request.complete) return;
      answerClientError(Object.assign(new Error('Request timeout'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' }), request.socket);
    });
    this.cancels.set(request, cancel);
    request.once('end', cancel).once('close', cancel);
  }
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}
