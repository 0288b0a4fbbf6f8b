import type { Clock, Milliseconds } from './units.js';

/** Time as a dependency: tests pass one that they advance by hand, so no test sleeps. */
export interface Time {
  readonly now: Clock;
  /** Runs `task` once after `delay`, unless the returned function is called first. Does not keep the process alive. */
  readonly after: (delay: Milliseconds, task: () => void) => () => void;
}

export const systemTime: Time = {
  now: () => Date.now(),
  after: (delay, task) => {
    const timer = setTimeout(task, delay).unref();
    return () => clearTimeout(timer);
  },
};
