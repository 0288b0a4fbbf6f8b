import { GatewayError } from '../errors.js';
import type { Order } from './order.js';

/** The connection broke while a change was being committed: it may have been made, or not. */
export class UnknownOutcomeError extends GatewayError {
  constructor(
    /** Each order as it was, and as it is if the change was made. */
    readonly changes: readonly { readonly before: Order; readonly after: Order }[],
    cause: unknown,
  ) {
    const advice = 'read the order again before you repeat the change';
    super('SOURCE_UNAVAILABLE', `The order database did not confirm the change, which may have been made; ${advice}.`, { cause });
  }
}
