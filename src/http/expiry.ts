import type { Time } from '../time.js';
import { DAY, type EpochMilliseconds } from '../units.js';

/**
 * Calls `expired` once at `at`. @returns calls it off
 * A timer counts at most 24.8 days and would end at once for more, so a long way is gone day by day.
 */
export function onExpiry(at: EpochMilliseconds, time: Time, expired: () => void): () => void {
  const arm = (): (() => void) => {
    const left = at - time.now();
    return time.after(Math.max(0, Math.min(left, DAY)), left > DAY ? () => (cancel = arm()) : expired);
  };
  let cancel = arm();
  return () => cancel();
}
