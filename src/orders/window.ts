import { GatewayError } from '../errors.js';
import { DAY, MINUTE, type EpochMilliseconds, type Minutes } from '../units.js';
import type { TimeRange } from './tiles.js';

export const DEFAULT_WINDOW: Minutes = 60;
export const MAX_WINDOW: Minutes = (31 * DAY) / MINUTE;
/** Of all pages of one operation together: two of the longest windows. */
export const OPERATION_MAX: Minutes = 2 * MAX_WINDOW;
const EARLIEST = Date.parse('1970-01-01T00:00Z');
const LATEST = Date.parse('9990-01-01T00:00Z');

/**
 * How far ahead of this process the database's clock may be: an order that was created "in the future" by less than
 * this still belongs to the last minutes.
 */
const CLOCK_TOLERANCE = 5_000;

/** What `orders(createdBy, window)` asks for. */
export type Wanted = { readonly kind: 'range'; readonly range: TimeRange } | { readonly kind: 'today' };

/**
 * The range that the arguments of `orders` describe: [createdBy, createdBy + window minutes); without `createdBy` the last
 * `window` minutes; without both, today.
 * @throws GatewayError BAD_USER_INPUT for a window or a date out of bounds
 */
export function wantedRange(
  createdBy: EpochMilliseconds | undefined,
  window: Minutes | undefined,
  now: EpochMilliseconds,
): Wanted {
  if (window !== undefined && (window < 1 || window > MAX_WINDOW)) {
    throw new GatewayError('BAD_USER_INPUT', `"window" must be 1 to ${MAX_WINDOW} minutes (31 days), but got: ${window}.`);
  }
  if (createdBy !== undefined && (createdBy < EARLIEST || createdBy >= LATEST)) {
    throw new GatewayError(
      'BAD_USER_INPUT',
      `"createdBy" must be a date from 1970 to 9989, but got: ${new Date(createdBy).toISOString()}.`,
    );
  }
  if (createdBy !== undefined) {
    return { kind: 'range', range: { from: createdBy, to: createdBy + (window ?? DEFAULT_WINDOW) * MINUTE } };
  }
  if (window === undefined) return { kind: 'today' };
  return { kind: 'range', range: { from: now - window * MINUTE, to: now + CLOCK_TOLERANCE } };
}
