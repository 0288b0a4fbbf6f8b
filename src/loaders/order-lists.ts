import type { Answer, CachedEntity } from '../cache/entity.js';
import type { Trace } from '../cache/outcome.js';
import type { ReadThrough } from '../cache/read-through.js';
import { listKey, listTokenKey } from '../orders/keys.js';
import { cut } from '../orders/level-views.js';
import { applyDelta, type ListBasis, type ListDelta, type OrderListing } from '../orders/list-delta.js';
import { listRange, type OrderList } from '../orders/lists.js';
import type { Order } from '../orders/order.js';
import type { TimeRange } from '../orders/tiles.js';
import type { Bytes, Clock, Milliseconds } from '../units.js';
import { ORDER_SIZE, type OrderTtls } from './entities.js';

const POINTER: Bytes = 8;

/** What lists are loaded from. Each call is one statement, which ends with `signal`. */
export interface ListSource {
  /** All orders created in `ranges`, newest first; with `since` if later changes can be asked for. */
  ordersCreatedIn(
    ranges: readonly TimeRange[],
    signal?: AbortSignal,
  ): Promise<{ readonly orders: readonly Order[]; readonly since?: Pick<ListBasis, 'snapshot' | 'history'> }>;
  /** What has changed in lists since they were read. `undefined`: not known for sure, or more than is worth it. */
  changesSince(bases: readonly ListBasis[], signal?: AbortSignal): Promise<ListDelta | undefined>;
}

export interface ListOptions {
  readonly ttls: OrderTtls;
  /** How long a list may be carried on by its changes before it is read whole again: a bound for what was changed unrecorded. */
  readonly readWholeAfter: Milliseconds;
  readonly clock: Clock;
}

/**
 * Lists of orders: all that one read misses are loaded by one statement. If an earlier state of each is at hand, that
 * statement only asks what has changed since.
 *
 * An earlier state may be used whatever has become of its token: it says what the list was at a snapshot, which stays true.
 */
export function orderLists(source: ListSource, options: ListOptions): CachedEntity<OrderList, OrderListing> {
  const { ttls, clock } = options;
  return {
    name: 'orders',
    valueKey: listKey,
    tokenKey: listTokenKey,
    load: async (lists, trace, former, signal) => {
      const ranges = lists.map(listRange);
      const formers = usable(
        ranges.map((_range, index) => former(index)),
        ranges,
        options,
      );
      return (
        (formers && (await carryOn(source, formers, trace, signal))) ?? (await readWhole(source, ranges, clock, trace, signal))
      );
    },
    ttl: (list) => (listRange(list).to > clock() ? ttls.freshTtl : ttls.ttl),
    weigh: ({ orders }) => orders.length * (ORDER_SIZE + POINTER),
    pack: (listing) => listing,
    unpack: (stored) => stored as OrderListing,
  };
}

type CarriedListing = Required<OrderListing>;

/** Earlier states of all `ranges` that changes can be applied to; `undefined` if there is one that has none. */
function usable(
  formers: readonly (OrderListing | undefined)[],
  ranges: readonly TimeRange[],
  { clock, readWholeAfter }: ListOptions,
): CarriedListing[] | undefined {
  const oldest = clock() - readWholeAfter;
  const found = formers.filter((former, index): former is CarriedListing => {
    const basis = former?.basis;
    const range = ranges[index];
    // Today's newest keep their place in the store at midnight, but are of another range from then on.
    return basis !== undefined && basis.range.from === range?.from && basis.range.to === range.to && basis.readWholeAt > oldest;
  });
  return found.length === ranges.length ? found : undefined;
}

async function carryOn(source: ListSource, formers: readonly CarriedListing[], trace: Trace, signal: AbortSignal) {
  trace.sqlStatement();
  const delta = await source.changesSince(
    formers.map(({ basis }) => basis),
    signal,
  );
  return (
    delta &&
    formers.map(({ orders, basis }): OrderListing => {
      return { orders: applyDelta(orders, delta, basis.range), basis: { ...basis, snapshot: delta.snapshot } };
    })
  );
}

async function readWhole(
  source: ListSource,
  ranges: readonly TimeRange[],
  clock: Clock,
  trace: Trace,
  signal: AbortSignal,
): Promise<OrderListing[]> {
  trace.sqlStatement();
  const readWholeAt = clock();
  const { orders, since } = await source.ordersCreatedIn(ranges, signal);
  return ranges.map((range) => ({
    orders: cut(orders, range),
    ...(since && { basis: { range, ...since, readWholeAt } }),
  }));
}

/** A cache of lists for those who want the orders, and not what a later load needs to carry them on. */
export type ListCache = Pick<ReadThrough<OrderList, readonly Order[]>, 'readMany' | 'peekMany' | 'flush'>;

export function listsOnly(cache: ReadThrough<OrderList, OrderListing>): ListCache {
  const ordersOf = ({ value, ...answer }: Answer<OrderListing>) => ({ ...answer, value: value.orders });
  return {
    readMany: async (lists, trace, signal) => (await cache.readMany(lists, trace, signal)).map(ordersOf),
    peekMany: async (lists, trace) => (await cache.peekMany(lists, trace)).map((answer) => answer && ordersOf(answer)),
    flush: () => cache.flush(),
  };
}
