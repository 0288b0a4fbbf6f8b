import type { Time } from '../../src/time.js';
import type { Milliseconds } from '../../src/units.js';
import { FakeTime } from './fake-time.js';

/** Time in which waits shorter than `short` are over at once, and noted; longer ones take until a test advances `slow`. */
export class QuickTime implements Time {
  readonly pauses: Milliseconds[] = [];
  readonly slow = new FakeTime();
  readonly now = this.slow.now;

  constructor(private readonly short: Milliseconds) {}

  readonly after = (delay: Milliseconds, task: () => void): (() => void) => {
    if (delay >= this.short) return this.slow.after(delay, task);
    this.pauses.push(delay);
    const timer = setImmediate(() => {
      this.slow.advance(delay);
      task();
    });
    return () => clearImmediate(timer);
  };
}
