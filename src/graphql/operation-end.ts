import { GatewayError } from '../errors.js';
import type { Time } from '../time.js';
import { SECOND, type Milliseconds } from '../units.js';

/**
 * The early end of one operation. Everything that it waits for ends with `signal`, whose reason is a GatewayError; so the
 * operation is answered, or forgotten, by the ordinary way of its errors. What was begun for others too goes on for them.
 */
export class OperationEnd {
  private readonly controller = new AbortController();

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** Nobody waits for the answer any more. */
  readonly clientGone = (): void => {
    this.controller.abort(new GatewayError('SOURCE_UNAVAILABLE', 'The client has gone before its operation was answered.'));
  };

  /** @returns to be called when the operation is answered */
  after(limit: Milliseconds, time: Pick<Time, 'after'>): () => void {
    return time.after(limit, () => {
      const message = `The operation was ended because it took longer than ${limit / SECOND} seconds; ask for less at once, or try again.`;
      this.controller.abort(new GatewayError('SOURCE_UNAVAILABLE', message));
    });
  }

  /** To be called before something is begun that is never ended half-way. @throws the reason of `signal` */
  check(): void {
    this.signal.throwIfAborted();
  }
}
