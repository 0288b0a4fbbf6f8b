import type { Scheduler } from 'fast-check';
import type { Time } from '../../src/time.js';
import type { EpochMilliseconds, Milliseconds } from '../../src/units.js';

/**
 * The clock and the timers of one process under a random schedule. A timer goes off when the schedule picks it, and the
 * clock is then at least where it was set for: timers may be late and overtake each other, but are never early.
 */
export class ScheduledTime implements Time {
  private moment: EpochMilliseconds = 0;

  constructor(private readonly scheduler: Scheduler) {}

  readonly now = (): EpochMilliseconds => this.moment;

  readonly after = (delay: Milliseconds, task: () => void): (() => void) => {
    const due = this.moment + delay;
    let cancelled = false;
    void this.scheduler.schedule(Promise.resolve(), `timer of ${delay} ms`).then(() => {
      if (cancelled) return;
      this.moment = Math.max(this.moment, due);
      task();
    });
    return () => {
      cancelled = true;
    };
  };

  /** Lets time go by, without timers: those that fall due on the way wait for the schedule. */
  pass(by: Milliseconds): void {
    this.moment += by;
  }
}
