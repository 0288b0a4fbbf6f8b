import { LRUCache } from 'lru-cache';
import { SECOND, type EpochMilliseconds, type Milliseconds } from '../../units.js';
import { scoreAfterUse } from './score.js';

/** Uses of a file within this time count as one: the correlated reference period of LRU-K. */
const CORRELATED: Milliseconds = SECOND;
/** Files whose uses this process remembers, whether they are on the disk or not. */
const REMEMBERED = 20_000;

interface Used {
  readonly score: EpochMilliseconds;
  readonly countedAt: EpochMilliseconds;
}

/**
 * How often files were used. A file that was evicted and comes again does not begin anew: else what is asked for often, but
 * not often enough to stay through its first days, would be brought from the origin again and again. The retained
 * information of LRU-K: O'Neil, O'Neil, Weikum, "The LRU-K page replacement algorithm for database disk buffering", SIGMOD 1993.
 */
export class Uses {
  private readonly known = new LRUCache<string, Used>({ max: REMEMBERED });

  /**
   * Counts a use.
   * @param onDisk the file's score as other processes may have left it; `-Infinity` of one just made
   * @returns its score from now on; `undefined`: the use belongs to the one before
   */
  count(id: string, onDisk: EpochMilliseconds, now: EpochMilliseconds): EpochMilliseconds | undefined {
    const former = this.known.get(id);
    if (former && now - former.countedAt < CORRELATED && onDisk >= former.score) return undefined;
    const before = Math.max(onDisk, former?.score ?? -Infinity);
    const isSame = former !== undefined && now - former.countedAt < CORRELATED;
    const score = isSame ? before : scoreAfterUse(before, now);
    this.known.set(id, { score, countedAt: isSame ? former.countedAt : now });
    return score;
  }
}
