import fc from 'fast-check';
import { createMemoryStore } from '../src/cache/keyv-store.js';
import type { Store } from '../src/cache/store.js';
import { dayOf } from '../src/orders/level-grid.js';
import { coverByDay, sourcesOf, viewOf } from '../src/orders/level-views.js';
import type { Order } from '../src/orders/order.js';
import { rangeOf, tileAt } from '../src/orders/tiles.js';
import { DAY, HOUR, MIB, MINUTE } from '../src/units.js';
import { storeWith } from './support/cache-parts.js';
import { ChaosStore, pauseOf, type Pause } from './support/cache-world.js';
import { FakeTime } from './support/fake-time.js';
import { Gates } from './support/gates.js';
import { LEVELS, ListInstance, OrderSource } from './support/levels.js';
import { anyMoment, anyOrders, createdIn, idOf, listed, orderOf } from './support/orders.js';
import { ScheduledTime } from './support/scheduled-time.js';

/** The evening of one day and the morning of the next. */
const MIDNIGHT = Date.parse('1970-01-02T00:00Z');
const AROUND = { from: MIDNIGHT - HOUR, to: MIDNIGHT + HOUR };
const DAYS = [dayOf(MIDNIGHT) - 1, dayOf(MIDNIGHT)];

/** A store that writes what it is given piece by piece, as a Cluster does. */
function piecewise(inner: Store, pause: Pause): Store {
  return storeWith(inner, {
    setMany: async (entries) => {
      for (const entry of entries) {
        await inner.setMany([entry]);
        await pause('a piece is written');
      }
      return inner.setMany([]);
    },
  });
}

const anyLevel = fc.constantFrom(...LEVELS);
const anyQuarter = fc.integer({ min: -4, max: 3 }).map((quarter) => MIDNIGHT + quarter * 15 * MINUTE);
const anyRange = fc
  .tuple(fc.oneof(anyQuarter, anyMoment(AROUND)), fc.oneof(fc.constantFrom(15, 30, 60), fc.integer({ min: 1, max: 120 })))
  .map(([createdBy, window]) => ({ createdBy, window }));
const anyStep = fc.oneof(
  fc.record({
    kind: fc.constant('read' as const),
    instance: fc.nat(1),
    pages: fc.array(anyRange, { minLength: 1, maxLength: 3 }),
  }),
  fc.record({
    kind: fc.constant('switch' as const),
    instance: fc.nat(1),
    day: fc.constantFrom(...DAYS),
    level: anyLevel,
  }),
  fc.record({ kind: fc.constant('change' as const), instance: fc.nat(1), order: fc.nat(11), at: anyMoment(AROUND) }),
);

type Step =
  | { readonly kind: 'read'; readonly instance: number; readonly pages: readonly { createdBy: number; window: number }[] }
  | { readonly kind: 'switch'; readonly instance: number; readonly day: number; readonly level: number }
  | { readonly kind: 'change'; readonly instance: number; readonly order: number; readonly at: number };

/** Two instances on one store and one database, and what was acknowledged so far. */
class Schedule {
  private readonly source: OrderSource;
  private readonly instances: readonly ListInstance[];
  private readonly acknowledged: Map<string, number>;
  private created = 0x10000;

  constructor(
    s: fc.Scheduler,
    private readonly orders: readonly Order[],
  ) {
    const pause = pauseOf(s);
    this.source = new OrderSource(orders.map((order) => ({ ...order, version: 0 })));
    this.acknowledged = new Map(orders.map(({ id }) => [id, 0]));
    const store = new ChaosStore(piecewise(createMemoryStore(MIB), pause), pause);
    this.instances = [0, 1].map(() => new ListInstance(this.source, store, new ScheduledTime(s), pause));
  }

  get inFlight(): number[] {
    return this.instances.map(({ inFlight }) => inFlight);
  }

  async run(steps: readonly Step[]): Promise<void> {
    for (const step of steps) {
      const instance = this.instances[step.instance]!;
      if (step.kind === 'switch') instance.switch(step.day, step.level);
      else if (step.kind === 'change') await this.change(instance, step.order, step.at);
      else await this.read(instance, step.pages);
    }
  }

  /** A new version of a known order, or a new order. */
  private async change(instance: ListInstance, which: number, at: number): Promise<void> {
    const known = this.source.orders.find(({ id }) => id === this.orders[which]?.id);
    const created = (): Order => orderOf({ id: idOf((this.created += 1)), createdAt: at });
    const order = known ? { ...known, version: known.version + 1 } : created();
    await instance.change(order);
    this.acknowledged.set(order.id, Math.max(order.version, this.acknowledged.get(order.id) ?? 0));
  }

  private async read(instance: ListInstance, windows: readonly { createdBy: number; window: number }[]): Promise<void> {
    const before = new Map(this.acknowledged);
    const known = this.source.orders;
    const { pages } = await instance.read(...windows);
    pages.forEach(({ orders }, at) => {
      const { createdBy, window } = windows[at]!;
      const range = { from: createdBy, to: createdBy + window * MINUTE };
      expect(orders).toEqual(listed(createdIn(orders, range)));
      expect(new Set(orders.map(({ id }) => id)).size).toBe(orders.length);
      for (const { id } of createdIn(known, range)) {
        const least = before.get(id);
        if (least !== undefined) expect(orders.find((order) => order.id === id)?.version ?? -1).toBeGreaterThanOrEqual(least);
      }
    });
  }
}

describe('windows while levels change', () => {
  test('hold every order of their range once, as new as what was acknowledged before the read', async () => {
    const anyLanes = fc.array(fc.array(anyStep, { minLength: 2, maxLength: 8 }), { minLength: 2, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), anyOrders(AROUND, 12), anyLanes, async (s, orders, lanes) => {
        const world = new Schedule(s, orders);
        await s.waitFor(Promise.all(lanes.map((steps) => world.run(steps))));
        await s.waitIdle();
        expect(world.inFlight).toEqual([0, 0]);
      }),
      { numRuns: 400 },
    );
  }, 120_000);

  test('a change between the look-up and the answer: who reads after it never gets the view', async () => {
    const gates = new Gates();
    const time = new FakeTime(MIDNIGHT + DAY);
    const source = new OrderSource([orderOf({ id: idOf(1), createdAt: MIDNIGHT, version: 1 })]);
    const instance = new ListInstance(source, new ChaosStore(createMemoryStore(MIB), gates.pause), time, gates.pause);
    const window = { createdBy: MIDNIGHT, window: 15 };
    await instance.read(window);
    instance.switch(dayOf(MIDNIGHT), 15);
    const held = gates.hold('read answered');
    const slow = instance.read(window);
    await held.reached;
    // Acknowledged after the tokens were read for the slow reader, before it is answered.
    const changing = instance.change(orderOf({ id: idOf(1), createdAt: MIDNIGHT, version: 2 }));
    await changing;
    const later = instance.read(window);
    held.release();
    expect((await slow).pages[0]!.orders[0]!.version).toBe(1);
    expect((await later).pages[0]!.orders[0]!.version).toBe(2);
    expect((await instance.read(window)).pages[0]!.orders[0]!.version).toBe(2);
    expect(source.statements).toBe(2);
  });
});

test('a view made while the tokens of some levels are renewed, and of others not yet, is gone when all are', async () => {
  const gates = new Gates();
  const time = new FakeTime(MIDNIGHT + DAY);
  const order = orderOf({ id: idOf(1), createdAt: MIDNIGHT, version: 1 });
  const source = new OrderSource([order]);
  const instance = new ListInstance(source, piecewise(createMemoryStore(MIB), gates.pause), time, gates.pause);
  const window = { createdBy: MIDNIGHT, window: 15 };
  await instance.read(window);
  instance.switch(dayOf(MIDNIGHT), 15);
  // The first piece is the order's own token, the second that of the tile of 15 minutes; that of 60 minutes comes later.
  const first = gates.hold('a piece is written');
  const changing = instance.change({ ...order, version: 2 });
  await first.reached;
  const second = gates.hold('a piece is written');
  first.release();
  await second.reached;
  expect((await instance.read(window)).pages[0]!.orders[0]!.version).toBe(1);
  second.release();
  await changing;
  expect((await instance.read(window)).pages[0]!.orders[0]!.version).toBe(2);
});

describe('cover and views', () => {
  const anyRangeOfTime = fc
    .tuple(anyMoment(AROUND), fc.integer({ min: 1, max: 3 * HOUR }))
    .map(([from, length]) => ({ from, to: from + length }));

  test('tiles of each day’s level contain the range without gap or overlap, and none could be left out', () => {
    fc.assert(
      fc.property(anyRangeOfTime, anyLevel, anyLevel, (range, first, second) => {
        const tiles = coverByDay(range, (day) => (day === DAYS[0] ? first : second));
        const ranges = tiles.map(rangeOf);
        expect(ranges[0]!.from).toBeLessThanOrEqual(range.from);
        expect(ranges[0]!.to).toBeGreaterThan(range.from);
        expect(ranges.at(-1)!.from).toBeLessThan(range.to);
        expect(ranges.at(-1)!.to).toBeGreaterThanOrEqual(range.to);
        for (let index = 1; index < ranges.length; index += 1) expect(ranges[index]!.from).toBe(ranges[index - 1]!.to);
        for (const { from, minutes } of tiles) expect(minutes).toBe(dayOf(from) === DAYS[0] ? first : second);
      }),
    );
  });

  test('a view holds what a load of the tile would hold', () => {
    fc.assert(
      fc.property(anyOrders(AROUND), anyMoment(AROUND), anyLevel, anyLevel, (orders, time, own, other) => {
        const tile = tileAt(time, own);
        const sources = sourcesOf(tile, other).map((list) => (list.kind === 'tile' ? createdIn(orders, rangeOf(list.tile)) : []));
        expect(viewOf({ kind: 'tile', tile }, sources)).toEqual(createdIn(orders, rangeOf(tile)));
      }),
    );
  });
});
