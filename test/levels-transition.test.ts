import { createMemoryStore } from '../src/cache/keyv-store.js';
import { sourceUnavailable } from '../src/errors.js';
import { dayOf } from '../src/orders/level-grid.js';
import { TileLimit, type Overfull } from '../src/orders/level-limit.js';
import { LevelTable } from '../src/orders/level-table.js';
import { isoMinute } from '../src/orders/tiles.js';
import { DAY, HOUR, MIB, MINUTE } from '../src/units.js';
import { FakeTime } from './support/fake-time.js';
import { LEVELS, ListInstance, OrderSource, TTL } from './support/levels.js';
import { idOf, listed, orderOf } from './support/orders.js';

const FROM = Date.parse('2025-07-20T15:00Z');
const THAT_DAY = dayOf(FROM);
const HOUR_OF_DATA = { createdBy: FROM, window: 60 };

/** Four orders in each of three hours, one in each quarter. */
const ORDERS = Array.from({ length: 12 }, (_, index) =>
  orderOf({ id: idOf(index), createdAt: FROM + index * 15 * MINUTE + 1, version: 1 }),
);

function setUp() {
  const time = new FakeTime(FROM + 4 * DAY);
  const source = new OrderSource(ORDERS);
  const store = createMemoryStore(MIB);
  const instance = () => new ListInstance(source, store, time);
  return { time, source, a: instance(), b: instance() };
}

const outcomesOf = async (reading: ReturnType<ListInstance['read']>) => (await reading).trace.summary();

describe('after a switch of its level, a day', () => {
  test.each([
    ['split', 60, 15],
    ['joined', 15, 60],
    ['split into halves', 60, 30],
    ['joined from halves', 30, 60],
  ])('is %s from what is cached: no row is loaded again, here and elsewhere', async (_name, former, next) => {
    const { source, time, a, b } = setUp();
    for (const instance of [a, b]) instance.switch(THAT_DAY, former);
    time.advance(2 * TTL);
    const { pages: first } = await a.read(HOUR_OF_DATA);
    expect([source.statements, source.rows]).toEqual([1, 4]);
    for (const instance of [a, b]) instance.switch(THAT_DAY, next);
    for (const instance of [a, b]) {
      const { pages, trace } = await instance.read(HOUR_OF_DATA);
      expect(pages).toEqual(first);
      expect(trace.summary()).toMatchObject({ sqlStatements: 0, storeRoundTrips: 1 });
    }
    expect([source.statements, source.rows]).toEqual([1, 4]);
  });

  test('is as old as the oldest of what it is made of', async () => {
    const { time, a } = setUp();
    a.switch(THAT_DAY, 15);
    time.advance(2 * TTL);
    const early = time.now();
    await a.read({ createdBy: FROM + 45 * MINUTE, window: 15 });
    time.advance(5_000);
    await a.read({ createdBy: FROM, window: 45 });
    a.switch(THAT_DAY, 60);
    expect((await a.read(HOUR_OF_DATA)).pages[0]!.asOf).toBe(early);
  });

  test('is loaded where one of the smaller tiles is missing, or was changed', async () => {
    const { source, time, a, b } = setUp();
    for (const instance of [a, b]) instance.switch(THAT_DAY, 15);
    time.advance(2 * TTL);
    await a.read(HOUR_OF_DATA, { createdBy: FROM + HOUR, window: 45 });
    for (const instance of [a, b]) instance.switch(THAT_DAY, 60);
    await b.change({ ...ORDERS[2]!, version: 2 });
    const { pages, trace } = await a.read({ createdBy: FROM, window: 120 });
    expect(pages[0]!.orders.map(({ version }) => version)).toEqual([1, 1, 1, 1, 1, 2, 1, 1]);
    expect(trace.summary()).toMatchObject({ outcomes: { orders: { filled: 2 } }, sqlStatements: 1 });
    expect(source.statements).toBe(2);
  });

  test('a larger tile that was changed is not split', async () => {
    const { source, a } = setUp();
    await a.read(HOUR_OF_DATA);
    a.switch(THAT_DAY, 15);
    await a.change({ ...ORDERS[0]!, version: 2 });
    const { pages } = await a.read(HOUR_OF_DATA);
    expect(pages[0]!.orders.map(({ version }) => version)).toEqual([1, 1, 1, 2]);
    expect(source.statements).toBe(2);
  });

  test('costs one round trip more while it is between levels, and none before and after', async () => {
    const { time, a } = setUp();
    expect(await outcomesOf(a.read(HOUR_OF_DATA))).toMatchObject({ storeRoundTrips: 3 });
    expect(await outcomesOf(a.read(HOUR_OF_DATA))).toMatchObject({ storeRoundTrips: 1 });
    a.switch(THAT_DAY, 15);
    const other = { createdBy: FROM + DAY, window: 60 };
    expect(await outcomesOf(a.read(other))).toMatchObject({ storeRoundTrips: 3 });
    expect(await outcomesOf(a.read({ createdBy: FROM + 2 * HOUR }))).toMatchObject({ storeRoundTrips: 4 });
    time.advance(TTL);
    expect(await outcomesOf(a.read(HOUR_OF_DATA))).toMatchObject({ outcomes: { orders: { filled: 4 } }, storeRoundTrips: 3 });
    expect(await outcomesOf(a.read(HOUR_OF_DATA))).toMatchObject({ storeRoundTrips: 1 });
  });

  test('switched twice, is derived from whichever of its former levels is whole', async () => {
    const { source, a } = setUp();
    await a.read(HOUR_OF_DATA);
    a.switch(THAT_DAY, 15);
    a.switch(THAT_DAY, 30);
    await a.read(HOUR_OF_DATA);
    a.switch(THAT_DAY, 60);
    await a.read(HOUR_OF_DATA);
    expect(source.statements).toBe(1);
  });

  test('has stand-ins of its former level while the database is down, marked as stale', async () => {
    const { time, source, a } = setUp();
    const { pages: first } = await a.read({ createdBy: FROM, window: 120 });
    a.switch(THAT_DAY, 15);
    time.advance(1.5 * TTL);
    source.fails = sourceUnavailable('order database');
    const { pages, trace } = await a.read({ createdBy: FROM, window: 120 });
    expect(pages[0]!.orders).toEqual(first[0]!.orders);
    expect(trace.isStale).toBe(true);
    await expect(a.read({ createdBy: FROM + 3 * HOUR })).rejects.toBe(source.fails);
    source.fails = new Error('another trouble');
    await expect(a.read(HOUR_OF_DATA)).rejects.toBe(source.fails);
  });
});

describe('a window over midnight', () => {
  test('is read at the level of each day, and UTC decides which day it is', async () => {
    const { source, a } = setUp();
    const midnight = Date.parse('2025-07-21T00:00Z');
    const around = [-2, -1, 0, 1].map((index) => orderOf({ id: idOf(50 + index), createdAt: midnight + index }));
    for (const order of around) source.put(order);
    a.switch(dayOf(midnight), 15);
    const { pages } = await a.read({ createdBy: midnight - 20 * MINUTE, window: 40 });
    expect(pages[0]!.orders).toEqual(listed(around));
    expect(source.asked.map(({ from, to }) => `${isoMinute(from)} ${(to - from) / MINUTE}`).sort()).toEqual([
      '2025-07-20T23:00Z 60',
      '2025-07-21T00:00Z 15',
      '2025-07-21T00:15Z 15',
    ]);
  });

  test('of a day on which clocks change somewhere has 24 hours of tiles like any other', async () => {
    const { source, a } = setUp();
    const from = Date.parse('2025-03-30T00:00Z');
    const orders = Array.from({ length: 24 }, (_, hour) => orderOf({ id: idOf(100 + hour), createdAt: from + hour * HOUR }));
    for (const order of orders) source.put(order);
    a.switch(dayOf(from), 30);
    const { pages } = await a.read({ createdBy: from, window: 1440 });
    expect(pages[0]!.orders).toEqual(listed(orders));
    expect(source.asked).toHaveLength(48);
  });
});

describe('an over-full tile', () => {
  const setUpLimit = (initial: number) => {
    const table = new LevelTable({ levels: LEVELS, initial, ttl: TTL, staleFor: 0 });
    const found: Overfull[] = [];
    const limit = new TileLimit(
      table,
      100,
      () => FROM,
      (each) => found.push(each),
    );
    return { table, limit, found };
  };

  test('makes its day fall to the next smaller level, for good, whatever the policy', () => {
    const { table, limit, found } = setUpLimit(60);
    limit.check({ from: FROM, minutes: 60 }, 100);
    expect(table.levelOf(THAT_DAY)).toBe(60);
    limit.check({ from: FROM, minutes: 60 }, 101);
    expect([table.levelOf(THAT_DAY), table.levelOf(THAT_DAY + 1)]).toEqual([30, 60]);
    expect(table.choiceOf(THAT_DAY).cap).toBe(30);
    expect(found).toEqual([{ tile: { from: FROM, minutes: 60 }, rows: 101, level: 30 }]);
    // Of a read that began before.
    limit.check({ from: FROM, minutes: 60 }, 101);
    expect([table.levelOf(THAT_DAY), limit.falls]).toEqual([30, 1]);
    limit.check({ from: FROM, minutes: 30 }, 101);
    expect([table.levelOf(THAT_DAY), limit.falls]).toEqual([15, 2]);
  });

  test('of the smallest level stays, and is told of once', () => {
    const { table, limit, found } = setUpLimit(15);
    for (const minute of [0, 15]) limit.check({ from: FROM + minute * MINUTE, minutes: 15 }, 101);
    expect(table.levelOf(THAT_DAY)).toBe(15);
    expect(found).toHaveLength(1);
  });
});
