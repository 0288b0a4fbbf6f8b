import type { Milliseconds } from '../../src/units.js';

/** Waits, but not when the check is over. */
export function rest(time: Milliseconds, over: AbortSignal): Promise<void> {
  if (over.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      over.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, time);
    over.addEventListener('abort', done);
  });
}
