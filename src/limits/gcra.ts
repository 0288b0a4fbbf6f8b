import type { EpochMilliseconds, Milliseconds } from '../units.js';

/** What may be spent: `quota` units at once; what was spent comes back evenly, all of it within `window`. */
export interface Quota {
  readonly quota: number;
  readonly window: Milliseconds;
}

/** What an account of a quota allows. */
export interface Verdict {
  readonly permitted: boolean;
  /** Units that may be spent now; whole ones. */
  readonly remaining: number;
  /** Until the whole quota is back. */
  readonly wholeIn: Milliseconds;
  /** Until what was asked for would be permitted; 0 if it is. */
  readonly retryIn: Milliseconds;
}

/** What sums of prices may be off by. */
const ROUNDING: Milliseconds = 1e-6;

/** How long it takes until `cost` units have come back. */
export function priceOf(cost: number, { quota, window }: Quota): Milliseconds {
  return (cost / quota) * window;
}

/**
 * Whether `cost` units may be spent from an account that is whole again at `wholeAt`: a token bucket, kept as one number.
 * It is the Generic Cell Rate Algorithm in its form of virtual scheduling (ITU-T I.371, annex A), for cells of different
 * sizes: `wholeAt` is the theoretical arrival time, `window` the tolerance, `priceOf` the increment.
 *
 * What costs more than the quota is permitted to a whole account, which then owes more than a window.
 */
export function judge(wholeAt: EpochMilliseconds, cost: number, quota: Quota, now: EpochMilliseconds): Verdict {
  const { window } = quota;
  const owed = Math.max(0, wholeAt - now);
  const lacking = owed + Math.min(priceOf(cost, quota), window) - window;
  const retryIn = lacking > ROUNDING ? lacking : 0;
  const remaining = Math.max(0, Math.floor(((window - owed) / window) * quota.quota));
  return { permitted: retryIn === 0 && owed < window, remaining, wholeIn: owed, retryIn };
}
