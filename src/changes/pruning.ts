import type { EpochMilliseconds, Milliseconds, Snapshot } from '../units.js';
import { MINUTE, SECOND } from '../units.js';
import { parseSnapshot } from './snapshot.js';

const SAMPLE_EACH: Milliseconds = 30 * SECOND;
const RETENTION_MIN: Milliseconds = 15 * MINUTE;
/** For the time that a load takes, and for clocks that differ. */
const MARGIN: Milliseconds = 2 * MINUTE;

/**
 * How long the log of changes is kept.
 *
 * A reader may skip what is no longer kept. A change is let go of only when its transaction finished longer ago than any
 * entry of the cache lives (`entryLife`: fresh and stale time together). So every entry that a skipped change might have made
 * worthless was loaded before it became visible, and has expired since; and every entry that lives was loaded after it.
 */
export function retentionOf(entryLife: Milliseconds): Milliseconds {
  return Math.max(RETENTION_MIN, entryLife + MARGIN);
}

/**
 * Which transactions finished longer ago than the retention. Positions of the past are remembered with the moment when they
 * were current: all that is below the `xmin` of one had finished then. The time in a row would not do, because it is of the
 * statement, and the transaction may have stayed open for long after it.
 */
export class Aging {
  private samples: { readonly at: EpochMilliseconds; readonly xmin: bigint }[] = [];

  constructor(private readonly retention: Milliseconds) {}

  /** To be told of every position that was reached. */
  reached(snapshot: Snapshot, now: EpochMilliseconds): void {
    const last = this.samples.at(-1);
    if (last && now - last.at < SAMPLE_EACH) return;
    this.samples.push({ at: now, xmin: parseSnapshot(snapshot).xmin });
  }

  /** All transactions below are old enough; `undefined`: not known of any, or said before. */
  takeBound(now: EpochMilliseconds): bigint | undefined {
    let bound: bigint | undefined;
    while (this.samples[0] && now - this.samples[0].at > this.retention) bound = this.samples.shift()?.xmin;
    return bound;
  }
}
