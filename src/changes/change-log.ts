import type { Snapshot } from '../units.js';
import type { OrderChange } from './touched.js';

/** A change of one order as the database recorded it. */
export interface LoggedChange extends OrderChange {
  /** Names the gateway's own transaction that made the change; absent: another program did. */
  readonly origin?: string;
}

/** What became visible between two positions. */
export interface ChangeRead {
  /** The position after it. */
  readonly snapshot: Snapshot;
  /** For one order in the order of its commits. A consumer that stops early must read again from where it began. */
  readonly pages: AsyncIterable<readonly LoggedChange[]>;
  /**
   * To be asked after the pages: everything that they showed is visible in this snapshot. That is `snapshot`, or a later one
   * for a log that cannot read as of a moment that is over.
   */
  readonly shows: () => Snapshot;
}

/** The history of changes of orders that a database keeps. */
export interface ChangeLog {
  /**
   * Everything that became visible after `since`; `undefined`: all that is still known.
   * @throws GatewayError SOURCE_UNAVAILABLE
   */
  read(since: Snapshot | undefined): Promise<ChangeRead>;
}
