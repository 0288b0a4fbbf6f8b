import type { Time } from '../../src/time.js';
import type { EpochMilliseconds, Milliseconds } from '../../src/units.js';

interface Timer {
  readonly at: EpochMilliseconds;
  readonly task: () => void;
}

/** Time that stands still until a test advances it. */
export class FakeTime implements Time {
  private moment: EpochMilliseconds;
  private timers: Timer[] = [];

  constructor(start: EpochMilliseconds = Date.parse('2025-07-24T15:20Z')) {
    this.moment = start;
  }

  readonly now = (): EpochMilliseconds => this.moment;

  readonly after = (delay: Milliseconds, task: () => void): (() => void) => {
    const timer = { at: this.moment + delay, task };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((other) => other !== timer);
    };
  };

  /** Runs what falls due on the way, in order. */
  advance(by: Milliseconds): void {
    const end = this.moment + by;
    for (let next = this.due(end); next; next = this.due(end)) {
      this.timers = this.timers.filter((other) => other !== next);
      this.moment = Math.max(this.moment, next.at);
      next.task();
    }
    this.moment = end;
  }

  /** Timers that were set and neither ran nor were cancelled. */
  get pending(): number {
    return this.timers.length;
  }

  private due(end: EpochMilliseconds): Timer | undefined {
    return this.timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
  }
}
