import type { Time } from '../time.js';
import { SECOND, type Milliseconds } from '../units.js';

const FIRST: Milliseconds = 100;
const LONGEST: Milliseconds = 2 * SECOND;

/**
 * How long to wait before an attempt, so that those who failed together do not come again together: exponential backoff with
 * full jitter. Brooker, "Exponential Backoff and Jitter", AWS Architecture Blog, 2015.
 *
 * @param failures how many attempts failed so far, at least 1
 */
export function pauseAfter(failures: number, random: () => number): Milliseconds {
  return random() * Math.min(LONGEST, FIRST * 2 ** (failures - 1));
}

/** Resolves after `delay`. @throws the reason of `signal`, as soon as it is given */
export function wait(delay: Milliseconds, time: Time, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      cancel();
      reject(signal.reason as Error);
    };
    const cancel = time.after(delay, () => {
      signal.removeEventListener('abort', abort);
      resolve();
    });
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  });
}
