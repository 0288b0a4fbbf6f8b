import fc from 'fast-check';
import type { Answer } from '../../src/cache/entity.js';
import type { ReadThrough } from '../../src/cache/read-through.js';
import type { Levels } from '../../src/loaders/order-reads.js';
import type { ListSource } from '../../src/loaders/order-lists.js';
import { ORDER_STATUSES, type Order, type OrderStatus } from '../../src/orders/order.js';
import type { TimeRange } from '../../src/orders/tiles.js';

/** The UUID of the order that a test calls `number`. */
export function idOf(number: number): string {
  return `00000000-0000-4000-8000-${number.toString(16).padStart(12, '0')}`;
}

/** An order of 15:20 on 2025-07-24 that belongs to nobody, but for what is given. */
export function orderOf(some: Partial<Order> = {}): Order {
  const createdAt = some.createdAt ?? Date.parse('2025-07-24T15:20:00Z');
  return {
    id: idOf(1),
    number: 'MO-2025-0000001',
    status: 'SUBMITTED',
    createdAt,
    updatedAt: createdAt,
    version: 3,
    partnerId: null,
    customer: 'Customer 001',
    product: 'Ring',
    material: 'Steel',
    quantity: 1,
    priceMinor: 12_950,
    currency: 'EUR',
    filePath: null,
    ...some,
  };
}

export const anyStatus: fc.Arbitrary<OrderStatus> = fc.constantFrom(...ORDER_STATUSES);

export const anyPartner = fc.constantFrom(null, 'partner-a', 'partner-b');

/** A moment in `range`; every second one is a whole minute, so that ties and moments on a boundary are common. */
export function anyMoment({ from, to }: TimeRange): fc.Arbitrary<number> {
  const minutes = fc
    .integer({ min: Math.ceil(from / 60_000), max: Math.floor((to - 1) / 60_000) })
    .map((minute) => minute * 60_000);
  return fc.oneof(minutes, fc.integer({ min: from, max: to - 1 }));
}

/** Orders created in `range`, with ids of their own, in the order that a list has: newest first, then by id, descending. */
export function anyOrders(range: TimeRange, maxLength = 40): fc.Arbitrary<Order[]> {
  const order = fc.record({
    id: fc.integer({ min: 0, max: 0xffff }).map(idOf),
    createdAt: anyMoment(range),
    status: anyStatus,
    partnerId: anyPartner,
  });
  return fc.uniqueArray(order, { selector: ({ id }) => id, maxLength }).map((all) => listed(all.map(orderOf)));
}

/** Stated apart from `newestFirst`: a place as one text that sorts as the list does. */
export function listed(orders: readonly Order[]): Order[] {
  const place = ({ createdAt, id }: Order): string => `${String(createdAt).padStart(16, '0')}/${id}`;
  return [...orders].sort((a, b) => (place(a) > place(b) ? -1 : 1));
}

/** The orders of a list that were created in `range`. */
export function createdIn(orders: readonly Order[], { from, to }: TimeRange): Order[] {
  return orders.filter(({ createdAt }) => createdAt >= from && createdAt < to);
}

/** A cache that has everything in memory, and remembers which keys it was asked for. */
export function cacheOf<K, V>(valueOf: (key: K) => V, loadedAt = 0): { readonly asked: K[]; readonly cache: ReadThrough<K, V> } {
  const asked: K[] = [];
  const readMany = (keys: readonly K[]): Promise<Answer<V>[]> => {
    asked.push(...keys);
    return Promise.resolve(keys.map((key) => ({ value: valueOf(key), loadedAt, outcome: 'hit-memory' })));
  };
  return { asked, cache: { readMany } as unknown as ReadThrough<K, V> };
}

/** Levels that nothing measures. */
export function levelsOf(levelOf: Levels['levelOf']): Levels {
  return { levelOf, wanted: () => undefined, report: () => [] };
}

/** For `toThrow`: an error that has these properties, whatever else it has. */
export function errorWith(properties: {
  readonly code?: string;
  readonly message?: unknown;
  readonly extensions?: unknown;
}): Error {
  return expect.objectContaining(properties) as Error;
}

/** A source of lists that cannot tell what has changed. */
export function listSource(load: (ranges: readonly TimeRange[]) => Promise<readonly Order[]>): ListSource {
  return { ordersCreatedIn: async (ranges) => ({ orders: await load(ranges) }), changesSince: () => Promise.resolve(undefined) };
}
