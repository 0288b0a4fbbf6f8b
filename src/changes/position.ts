import type { ChangeLog } from './change-log.js';
import type { Snapshot } from '../units.js';

/** How changes by other programs are noticed. */
export type FeedMode = 'outbox' | 'poll' | 'off';

/** How far the renewal of tokens has come. */
export interface FeedPosition {
  /**
   * The tokens of every change that is visible in this snapshot are renewed: whoever reads after this answer gets the
   * change. `undefined`: not known at the moment (the store is away, nobody has renewed anything yet). Never rejects.
   */
  current(): Promise<Snapshot | undefined>;
}

/** What the feed offers to whoever follows the history of changes. */
export interface ChangeSignals {
  readonly position: FeedPosition;
  /** `undefined`: not decided yet, because the database has not answered since the start. */
  readonly mode: FeedMode | undefined;
  /**
   * A log for one consumer, who calls `read` again only after it has finished with the pages of the read before.
   * Its `read` rejects with SOURCE_UNAVAILABLE while the database is away, and when the feed is off.
   */
  openLog(): ChangeLog;
  /**
   * Calls `listener` whenever something may have changed: the database announced it, or a while has passed. It may well
   * be called for nothing, and must not throw. The returned function ends it.
   */
  onWake(listener: () => void): () => void;
}
