import type { EpochMilliseconds, Snapshot } from '../units.js';
import { newestFirst, type Order } from './order.js';
import type { TimeRange } from './tiles.js';

/** What a list of orders is the state of, for a later load that only asks what has changed since. */
export interface ListBasis {
  /** The orders that were created in this range, all of them. */
  readonly range: TimeRange;
  /** The moment of the database's history at which they were so. */
  readonly snapshot: Snapshot;
  /** Which record of changes goes on from there; another one knows nothing of what came after. */
  readonly history: string;
  /** When all of them were last read, not only what had changed. */
  readonly readWholeAt: EpochMilliseconds;
}

/** Orders newest first. Without `basis` nothing but the whole list can be loaded again. */
export interface OrderListing {
  readonly orders: readonly Order[];
  readonly basis?: ListBasis;
}

/** What happened to orders of some ranges between the snapshots of their lists and `snapshot`. */
export interface ListDelta {
  readonly snapshot: Snapshot;
  /** At least every order that may have entered a list, left it, or changed in it. */
  readonly changed: ReadonlySet<string>;
  /** Those of `changed` that exist at `snapshot`, as they are there. */
  readonly current: readonly Order[];
}

/**
 * `orders`, a list of `range`, as it is at the delta's snapshot: what changed is taken out, and what of it is in the range now
 * is put in. Linear in the list; both lists are merged newest first.
 */
export function applyDelta(orders: readonly Order[], { changed, current }: ListDelta, range: TimeRange): Order[] {
  const added = current.filter(({ createdAt }) => createdAt >= range.from && createdAt < range.to).sort(newestFirst);
  const merged: Order[] = [];
  let next = 0;
  for (const order of orders) {
    if (changed.has(order.id)) continue;
    for (let each = added[next]; each && newestFirst(each, order) < 0; each = added[next]) {
      merged.push(each);
      next += 1;
    }
    merged.push(order);
  }
  return [...merged, ...added.slice(next)];
}
