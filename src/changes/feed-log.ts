import type { EpochMilliseconds, Milliseconds, Snapshot } from '../units.js';
import type { ChangeLog, ChangeRead } from './change-log.js';

/** A read as the feed uses it. */
export interface FeedRead extends ChangeRead {
  /** The age of the oldest change in it, as far as the log knows. */
  readonly age: Milliseconds;
  /**
   * Only for a read that is too large to look at the place of every order: the UTC days, by their first moments, in
   * which changed orders were or are created.
   */
  readonly wholeDays?: () => Promise<readonly EpochMilliseconds[]>;
}

/** The history of changes, with what only the one who renews needs. */
export interface FeedLog extends ChangeLog {
  read(since: Snapshot | undefined): Promise<FeedRead>;
  /** Whether there are changes that `position` does not cover. */
  isBehind(position: Snapshot | undefined): Promise<boolean>;
  /**
   * Lets go of changes by transactions below `xid`, if this log keeps any, and says so to readers first.
   * @returns how many of at most one batch; 0: there are no more
   */
  prune(xid: bigint): Promise<number>;
}

/** The connection on which a gateway follows the history; of all gateways with one store, one leads. */
export interface FeedSession {
  /** Settles when the connection is lost or closed. */
  readonly lost: Promise<void>;
  /** Whether this session leads now. */
  tryLead(): Promise<boolean>;
  stopLeading(): Promise<void>;
  /** Ends the session that leads, whoever's it is. */
  endLeader(): Promise<void>;
  close(): Promise<void>;
}
