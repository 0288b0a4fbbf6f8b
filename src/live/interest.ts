import { maySeeOrder } from '../access/policy.js';
import type { Viewer } from '../access/viewer.js';
import type { OrderFootprint } from '../changes/touched.js';
import type { Order, OrderStatus } from '../orders/order.js';
import type { TimeRange } from '../orders/tiles.js';
import type { EpochMilliseconds } from '../units.js';
import type { LiveChange } from './net-changes.js';

/** What each subscription is told: the order as it is, or the id of one that is gone, under the name of its field. */
export interface TopicEvents {
  readonly orderChanged: { readonly orderChanged: Order };
  readonly newOrders: { readonly newOrders: Order };
  readonly orderRemoved: { readonly orderRemoved: string };
}

export type Topic = keyof TopicEvents;

/** What a subscription is about, and for whom. */
export interface Interest<T extends Topic = Topic> {
  readonly topic: T;
  readonly viewer: Viewer;
  /** The window at a moment; absent: orders of any age. */
  readonly rangeAt?: (now: EpochMilliseconds) => TimeRange;
  /** Absent: any status. */
  readonly statuses?: ReadonlySet<OrderStatus>;
}

export type Told = Order | string;

/**
 * What `change` means to a subscription; `undefined`: nothing, and what still waits to be told of the order is not so any
 * more. An order that has left the viewer's sight is told of by `orderRemoved` only, and only if the viewer could see it before.
 * @param waits whether the subscription has yet to take what it is told of an earlier change of the order
 */
export function toldOf(interest: Interest, change: LiveChange, at: EpochMilliseconds, waits: boolean): Told | undefined {
  const { topic, viewer, rangeAt, statuses } = interest;
  const range = rangeAt?.(at);
  const isSeen = (order: OrderFootprint): boolean =>
    maySeeOrder(viewer, order) && (!range || (order.createdAt >= range.from && order.createdAt < range.to));
  const { id, before, now, isNew } = change;
  const seen = now && isSeen(now) ? now : undefined;
  if (topic === 'orderRemoved') return !seen && (waits || (before && isSeen(before))) ? id : undefined;
  if (topic === 'newOrders') return waits || isNew ? seen : undefined;
  return seen && (!statuses || statuses.has(seen.status)) ? seen : undefined;
}
