import { GatewayError } from '../errors.js';
import type { EpochMilliseconds } from '../units.js';
import { countLeading } from './bisect.js';
import { decodeCursor, type Position } from './cursor.js';
import type { Order, OrderStatus } from './order.js';
import type { TimeRange } from './tiles.js';

/** The most orders in one answer. */
export const PAGE_MAX = 10_000;

/** One page of a list: what `OrderConnection` shows. */
export interface OrderPage {
  /** Newest first. */
  readonly orders: readonly Order[];
  /** All orders that match, on this page or not. */
  readonly totalCount: number;
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
  readonly asOf: EpochMilliseconds;
}

export interface PageRequest {
  readonly first?: number | undefined;
  readonly after?: string | undefined;
  readonly status?: readonly OrderStatus[] | undefined;
}

/** Which part of a list is wanted; checked. */
export interface Cut {
  readonly first: number;
  readonly after: Position | undefined;
  readonly statuses: ReadonlySet<OrderStatus> | undefined;
}

/**
 * To be called before anything is loaded for the request.
 * @throws GatewayError BAD_USER_INPUT for `first` out of bounds or a cursor that is none
 */
export function checkedCut({ first, after, status }: PageRequest): Cut {
  return {
    first: checkedFirst(first),
    after: after === undefined ? undefined : decodeCursor(after),
    statuses: status && new Set(status),
  };
}

/** Orders of one cached list, newest first, read from the database at `loadedAt` or later. */
export interface LoadedList {
  readonly value: readonly Order[];
  readonly loadedAt: EpochMilliseconds;
}

/**
 * The page that `cut` asks for.
 * @param lists disjoint, newest first
 * @param isVisible which orders the viewer may see; all others are as if they did not exist
 */
export function pageOf(
  lists: readonly LoadedList[],
  range: TimeRange,
  isVisible: (order: Order) => boolean,
  { first, after, statuses }: Cut,
): OrderPage {
  const matching = lists
    .flatMap((list) => list.value)
    .filter(
      (order) =>
        order.createdAt >= range.from &&
        order.createdAt < range.to &&
        isVisible(order) &&
        (!statuses || statuses.has(order.status)),
    );
  const start = after ? countLeading(matching, (order) => isUpTo(order, after)) : 0;
  const orders = start === 0 && matching.length <= first ? matching : matching.slice(start, start + first);
  return {
    orders,
    totalCount: matching.length,
    hasNextPage: start + orders.length < matching.length,
    hasPreviousPage: start > 0,
    asOf: Math.min(...lists.map((list) => list.loadedAt)),
  };
}

function checkedFirst(first: number | undefined): number {
  if (first === undefined) return PAGE_MAX;
  if (first >= 0 && first <= PAGE_MAX) return first;
  throw new GatewayError('BAD_USER_INPUT', `"first" must be 0 to ${PAGE_MAX}, but got: ${first}.`);
}

/** Whether `order` stands at `position` or before it, newest first. */
function isUpTo(order: Order, position: Position): boolean {
  return order.createdAt > position.createdAt || (order.createdAt === position.createdAt && order.id >= position.id);
}
