import fc from 'fast-check';
import { graphql } from 'graphql';
import type { Viewer } from '../src/access/viewer.js';
import { OperationTrace } from '../src/cache/operation-trace.js';
import { Recording } from '../src/cache/ready-answers.js';
import { createSchema } from '../src/graphql/server.js';
import type { CachedFile } from '../src/loaders/entities.js';
import { createLoaders } from '../src/loaders/loaders.js';
import { OrderReads } from '../src/loaders/order-reads.js';
import type { Claim } from '../src/loaders/ownership.js';
import { encodeCursor } from '../src/orders/cursor.js';
import { listKey } from '../src/orders/keys.js';
import { listRange, type OrderList } from '../src/orders/lists.js';
import type { Order } from '../src/orders/order.js';
import { PlantCalendar } from '../src/orders/plant-day.js';
import { HOUR } from '../src/units.js';
import { anyMoment, anyOrders, anyStatus, cacheOf, createdIn, idOf, levelsOf, listed, orderOf } from './support/orders.js';

const NOW = Date.parse('2025-07-24T15:20:00Z');
const TODAY = { from: Date.parse('2025-07-24T00:00Z'), to: Date.parse('2025-07-25T00:00Z') };
const AROUND = { from: NOW - HOUR, to: NOW + HOUR };

const OPERATOR: Viewer = { role: 'operator', subject: 'ada' };
const PARTNER: Viewer = { role: 'partner', subject: 'bob', partnerId: 'partner-a' };
const SERVICE: Viewer = { role: 'service', subject: 'store' };
const ANONYMOUS: Viewer = { role: 'anonymous' };

/** What `viewer` reads where these are all the orders. */
function readsOf(viewer: Viewer, orders: readonly Order[]) {
  const lists = cacheOf((list: OrderList): readonly Order[] => createdIn(listed(orders), listRange(list)), NOW);
  const single = cacheOf((id: string) => orders.find((order) => order.id === id) ?? null, NOW);
  const files = cacheOf((_path: string): CachedFile | null => null);
  const ownOrders = cacheOf(
    ({ partnerId, of }: Claim) => orders.some((order) => order.id === of && order.partnerId === partnerId),
    NOW,
  );
  const ownFiles = cacheOf((_claim: Claim) => false);
  const caches = {
    lists: lists.cache,
    orders: single.cache,
    files: files.cache,
    ownOrders: ownOrders.cache,
    ownFiles: ownFiles.cache,
  };
  const parts = { calendar: new PlantCalendar('UTC'), levels: levelsOf(() => 60), clock: () => NOW };
  const loaders = createLoaders(caches, new OperationTrace());
  const reads = new OrderReads(viewer, loaders, parts, new Recording(loaders));
  return { reads, lists: lists.asked, ids: single.asked };
}

const schema = createSchema();
const PAGE = `query ($createdBy: DateTime, $window: Int, $status: [OrderStatus!], $first: Int, $after: String) {
  orders(createdBy: $createdBy, window: $window, status: $status, first: $first, after: $after) {
    totalCount asOf nodes { id status } edges { cursor node { id } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}`;

async function answerTo(viewer: Viewer, orders: readonly Order[], variableValues: Record<string, unknown>): Promise<unknown> {
  const answer = await graphql({ schema, source: PAGE, variableValues, contextValue: { orders: readsOf(viewer, orders).reads } });
  expect(answer.errors).toBeUndefined();
  return JSON.parse(JSON.stringify(answer.data));
}

describe('orders that a partner reads', () => {
  const anyArguments = fc.record(
    {
      createdBy: anyMoment(AROUND).map((time) => new Date(time).toISOString()),
      window: fc.integer({ min: 1, max: 120 }),
      status: fc.uniqueArray(anyStatus),
      first: fc.integer({ min: 0, max: 10 }),
      after: fc.record({ createdAt: anyMoment(AROUND), id: fc.nat({ max: 0xffff }).map(idOf) }).map(encodeCursor),
    },
    { requiredKeys: [] },
  );

  test('are answered, counted and marked as if no others existed', async () => {
    await fc.assert(
      fc.asyncProperty(anyOrders(AROUND), anyArguments, async (orders, variables) => {
        const own = orders.filter(({ partnerId }) => partnerId === 'partner-a');
        expect(await answerTo(PARTNER, orders, variables)).toEqual(await answerTo(PARTNER, own, variables));
      }),
    );
  });

  test('one by one: another one’s order is like one that does not exist', async () => {
    const orders = [
      orderOf({ id: idOf(1), partnerId: 'partner-a' }),
      orderOf({ id: idOf(2), partnerId: 'partner-b' }),
      orderOf({ id: idOf(3) }),
    ];
    const { reads, ids } = readsOf(PARTNER, orders);
    const all = await Promise.all([1, 2, 3, 4].map((number) => reads.one(idOf(number))));
    expect(all).toEqual([orders[0], null, null, null]);
    // Of what is not an own one nothing is read.
    expect(ids).toEqual([idOf(1)]);
  });
});

describe('orders that an operator reads', () => {
  const orders = [NOW, NOW - 1, NOW - HOUR, NOW - 24 * HOUR].map((createdAt, number) => orderOf({ id: idOf(number), createdAt }));

  test('are those of all, today’s by default', async () => {
    const { reads, lists } = readsOf(OPERATOR, orders);
    expect((await reads.page({})).orders).toEqual(orders.slice(0, 3));
    expect(lists).toEqual([{ kind: 'new', day: { date: '2025-07-24', range: TODAY } }]);
  });

  test('come from as few tiles as hold the window, cut to it exactly', async () => {
    const { reads, lists } = readsOf(OPERATOR, orders);
    const page = await reads.page({ createdBy: NOW - HOUR, window: 60 });
    expect(page.orders.map(({ id }) => id)).toEqual([idOf(1), idOf(2)]);
    expect(lists.map(listKey)).toEqual([
      'orders:list:createdBy=2025-07-24T15:00Z:TimeWindow=60',
      'orders:list:createdBy=2025-07-24T14:00Z:TimeWindow=60',
    ]);
  });

  test('of many windows in one operation are one read of each tile', async () => {
    const { reads, lists } = readsOf(OPERATOR, orders);
    const windows = [{ window: 60 }, { createdBy: NOW - HOUR }, { createdBy: NOW - 2 * HOUR, window: 180 }, {}, {}];
    await Promise.all(windows.map((window) => reads.page(window)));
    const keys = lists.map(listKey);
    expect(keys).toHaveLength(new Set(keys).size);
  });

  test('are found by an id in upper case; what is no UUID is refused', async () => {
    const order = orderOf({ id: idOf(0xabc) });
    const { reads } = readsOf(OPERATOR, [order]);
    expect(await reads.one(idOf(0xabc).toUpperCase())).toEqual(order);
    for (const id of ['', 'x', `${idOf(1)}0`, `{${idOf(1)}}`, `${idOf(1)}\n`]) {
      await expect(reads.one(id)).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
    }
  });
});

test.each([
  [SERVICE, 'FORBIDDEN'],
  [ANONYMOUS, 'UNAUTHENTICATED'],
])('%j reads no orders, and nothing is loaded, whatever the arguments', async (viewer, code) => {
  const { reads, lists, ids } = readsOf(viewer, [orderOf()]);
  await expect(reads.page({ window: 0 })).rejects.toMatchObject({ code });
  await expect(reads.page({ window: 60 })).rejects.toMatchObject({ code });
  await expect(reads.one('x')).rejects.toMatchObject({ code });
  expect([...lists, ...ids]).toEqual([]);
});
