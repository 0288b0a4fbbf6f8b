import { parseSnapshot } from '../changes/snapshot.js';
import type { ListBasis, ListDelta } from '../orders/list-delta.js';
import type { TimeRange } from '../orders/tiles.js';
import type { Snapshot } from '../units.js';
import { ORDER_COLUMNS, ORDER_SELECTION, toOrder, type OrderRow } from './order-row.js';

/** Orders of some ranges; one more than `most` when there are too many. Bindings: lower bounds, upper bounds. */
export function listsStatement(most: number): string {
  return `select ${ORDER_SELECTION}
    from unnest(?::timestamptz[], ?::timestamptz[]) as wanted (lower, upper)
    join orders on created_at >= lower and created_at < upper
    limit ${most + 1}`;
}

/**
 * Names the outbox as it is: another one for another database, and after it was emptied or made anew, for then the table has
 * another file.
 */
const HISTORY = `(select oid from pg_database where datname = current_database())::text || '/' ||
  pg_relation_filenode(to_regclass('orders_outbox'))::text`;

/** The same, and one row more that has nothing but the snapshot at which all this was so: one statement has one snapshot. */
export function positionedListsStatement(most: number): string {
  const nothing = Object.keys(ORDER_COLUMNS).map(() => 'null');
  return `(select listed.*, null::text as snapshot, null::text as history from (${listsStatement(most)}) as listed)
    union all select ${nothing.join(', ')}, pg_current_snapshot()::text, ${HISTORY}`;
}

/**
 * What the outbox says of some ranges since a snapshot of each, and the orders that it names as they are now. Exact: a
 * transaction that is visible to this statement but not in a list's snapshot has recorded each of its changes in the outbox
 * under its own id, in itself (docs/database.md); and what is read of `orders` is of the statement's own snapshot.
 * Bindings: lower bounds, upper bounds, snapshots, the most orders that may have changed and one more.
 */
export const CHANGES_STATEMENT = `
  with base as (
    select lower, upper, snapshot::pg_snapshot from unnest(?::timestamptz[], ?::timestamptz[], ?::text[]) as given (lower, upper, snapshot)
  ), changed as (
    select distinct log.order_id
    from base join orders_outbox as log on log.xid >= pg_snapshot_xmin(base.snapshot)
      and not pg_visible_in_snapshot(log.xid, base.snapshot)
      and (log.created_before >= lower and log.created_before < upper or log.created_after >= lower and log.created_after < upper)
    limit ?
  )
  select here.snapshot, here.history, here.pruned, changed.order_id::text, found.*
  from (select pg_current_snapshot()::text as snapshot, ${HISTORY} as history, (select pruned::text from orders_outbox_state) as pruned) as here
  left join changed on true
  left join lateral (select ${ORDER_SELECTION} from orders where orders.id = changed.order_id) as found on true`;

/** The most changes that are worth more than reading lists whole. */
export const CHANGES_MAX = 1_000;

/** @returns `undefined` if the answer may not hold all changes since every one of `bases` */
export function deltaOf(rows: readonly OrderRow[], bases: readonly ListBasis[]): ListDelta | undefined {
  const [first] = rows;
  const changes = rows.filter(({ order_id: id }) => id !== null);
  if (!first || changes.length > CHANGES_MAX) return undefined;
  const snapshot = String(first.snapshot);
  if (!bases.every((basis) => basis.history === first.history && isCovered(basis.snapshot, snapshot, first.pruned)))
    return undefined;
  return {
    snapshot,
    changed: new Set(changes.map(({ order_id: id }) => String(id))),
    // What is outside of the lists may be of any kind: it is not read.
    current: changes.filter((row) => bases.some(({ range }) => isIn(row, range))).map(toOrder),
  };
}

function isIn({ id, created_at: createdAt }: OrderRow, { from, to }: TimeRange): boolean {
  if (id === null || typeof createdAt !== 'number') return false;
  const time = Math.round(createdAt);
  return time >= from && time < to;
}

/** Whether the outbox still has everything since `base`, and `base` is of the history that `now` continues. */
function isCovered(base: Snapshot, now: Snapshot, pruned: OrderRow[string] | undefined): boolean {
  const { xmin, xmax } = parseSnapshot(base);
  // A database that was restored from a copy begins to count again where the copy was made.
  return typeof pruned === 'string' && xmin >= BigInt(pruned) && xmax <= parseSnapshot(now).xmax;
}
