import { OperationTrace } from '../../src/cache/operation-trace.js';
import { ReadThrough } from '../../src/cache/read-through.js';
import type { Renewals } from '../../src/cache/renewals.js';
import type { Store } from '../../src/cache/store.js';
import { touchedTokens } from '../../src/changes/touched.js';
import type { Caches } from '../../src/loaders/caches.js';
import { listsOnly, orderLists } from '../../src/loaders/order-lists.js';
import { LevelledLists } from '../../src/loaders/levelled-lists.js';
import { createLoaders } from '../../src/loaders/loaders.js';
import { OrderReads, type AnswerNotes, type OrderArguments } from '../../src/loaders/order-reads.js';
import { LevelTable } from '../../src/orders/level-table.js';
import type { Order } from '../../src/orders/order.js';
import type { OrderPage } from '../../src/orders/page.js';
import { PlantCalendar } from '../../src/orders/plant-day.js';
import type { TimeRange } from '../../src/orders/tiles.js';
import type { Time } from '../../src/time.js';
import { MINUTE, SECOND, type Minutes } from '../../src/units.js';
import { cacheParts } from './cache-parts.js';
import type { Pause } from './cache-world.js';
import { listSource } from './orders.js';
import { createdIn, levelsOf, listed } from './orders.js';

export const LEVELS: readonly Minutes[] = [15, 30, 60];
export const TTL = MINUTE;

const CALENDAR = new PlantCalendar('UTC');

export function filled(length: number, value: number): number[] {
  return Array.from({ length }, () => value);
}

/** A database of orders, and what was asked of it. */
export class OrderSource {
  readonly asked: TimeRange[] = [];
  statements = 0;
  rows = 0;
  fails: Error | undefined;
  private readonly byId = new Map<string, Order>();

  constructor(orders: readonly Order[]) {
    for (const order of orders) this.byId.set(order.id, order);
  }

  get orders(): Order[] {
    return listed([...this.byId.values()]);
  }

  put(order: Order): void {
    this.byId.set(order.id, order);
  }

  load(ranges: readonly TimeRange[]): Order[] {
    if (this.fails) throw this.fails;
    this.statements += 1;
    this.asked.push(...ranges);
    const orders = this.orders.filter((order) => ranges.some((range) => createdIn([order], range).length > 0));
    this.rows += orders.length;
    return orders;
  }
}

const NONE = { readMany: () => Promise.resolve([]) };
const UNUSED = { orders: NONE, files: NONE, ownOrders: NONE, ownFiles: NONE } as unknown as Caches;
const AT_ONCE: Pause = () => Promise.resolve();

/** One gateway process, as far as lists of orders go. */
export class ListInstance {
  readonly renewals: Renewals;
  readonly table = new LevelTable({ levels: LEVELS, initial: 60, ttl: TTL, staleFor: 10 * MINUTE });
  readonly lists: LevelledLists;
  private readonly cache: ReadThrough<never, never>;

  constructor(
    private readonly source: OrderSource,
    store: Store,
    private readonly time: Time,
    private readonly pause: Pause = AT_ONCE,
  ) {
    const parts = cacheParts(store, time);
    this.renewals = parts.renewals;
    const load = async (ranges: readonly TimeRange[]): Promise<Order[]> => {
      await pause('statement on its way');
      const orders = source.load(ranges);
      await pause('rows on their way');
      return orders;
    };
    const ttls = { ttl: TTL, freshTtl: 2 * SECOND };
    const cache = new ReadThrough(orderLists(listSource(load), { ttls, readWholeAfter: 0, clock: time.now }), parts);
    this.cache = cache as unknown as ReadThrough<never, never>;
    this.lists = new LevelledLists({
      cache: listsOnly(cache),
      table: this.table,
      answered: () => undefined,
      lookedUp: () => undefined,
      clock: time.now,
      stopwatch: time.now,
    });
  }

  switch(day: number, level: Minutes): void {
    this.table.put(day, { level, since: this.time.now() }, this.time.now());
  }

  async read(...pages: readonly OrderArguments[]): Promise<{ pages: OrderPage[]; trace: OperationTrace }> {
    const trace = new OperationTrace();
    const loaders = createLoaders({ ...UNUSED, lists: this.lists }, trace);
    const parts = { calendar: CALENDAR, levels: levelsOf(this.table.levelOf), clock: this.time.now };
    const reads = new OrderReads({ role: 'operator', subject: 'ada' }, loaders, parts, UNKEPT);
    return { pages: await Promise.all(pages.map((page) => reads.page(page))), trace };
  }

  /** Commits and invalidates. */
  async change(order: Order): Promise<void> {
    await this.pause('commit');
    this.source.put(order);
    await this.pause('committed');
    await this.renewals.renew(touchedTokens([{ before: order, after: order }], LEVELS, CALENDAR));
  }

  get inFlight(): number {
    return this.cache.inFlight;
  }
}

/** For reads whose answers nobody keeps. */
export const UNKEPT: AnswerNotes = { onlyWithin: () => undefined, onlyNow: () => undefined, eachTime: (effect) => effect() };
