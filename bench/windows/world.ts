import { newNonce } from '../../src/cache/entry.js';
import { JoinedReader } from '../../src/cache/joined-reader.js';
import { MemoryTier } from '../../src/cache/memory-tier.js';
import type { Trace } from '../../src/cache/outcome.js';
import { ReadThrough } from '../../src/cache/read-through.js';
import { Renewals } from '../../src/cache/renewals.js';
import { Reuse } from '../../src/cache/reuse.js';
import type { Claim, Claimed, Store, StoredValue, StoreEntry, StoreRead, StoreWrite } from '../../src/cache/store.js';
import { touchedTokens } from '../../src/changes/touched.js';
import { Closing } from '../../src/compose/closing.js';
import { OpenedLevels } from '../../src/compose/levels.js';
import type { WindowPolicy } from '../../src/config-values.js';
import { listSource } from '../../test/support/orders.js';
import { seededRandom } from '../../src/embedded/random.js';
import type { Caches } from '../../src/loaders/caches.js';
import { listsOnly, orderLists } from '../../src/loaders/order-lists.js';
import { createLoaders } from '../../src/loaders/loaders.js';
import { OrderReads, type OrderArguments } from '../../src/loaders/order-reads.js';
import { countLeading } from '../../src/orders/bisect.js';
import type { Prices } from '../../src/orders/level-cost.js';
import type { Order } from '../../src/orders/order.js';
import { PlantCalendar } from '../../src/orders/plant-day.js';
import { mergeRanges, type TimeRange } from '../../src/orders/tiles.js';
import { MIB, MINUTE, SECOND, type EpochMilliseconds, type Minutes } from '../../src/units.js';
import { FakeTime } from '../../test/support/fake-time.js';
import { UNKEPT } from '../../test/support/levels.js';

export const LEVELS: readonly Minutes[] = [15, 30, 60];
const TTLS = { ttl: MINUTE, freshTtl: 2 * SECOND };
const NOBODY: Trace = { outcome: () => undefined, storeRoundTrip: () => undefined, sqlStatement: () => undefined };
const QUIET = { info: () => undefined, warn: () => undefined };

/** What a run has cost so far. */
export interface Counts {
  readonly rows: number;
  readonly statements: number;
  readonly lookups: number;
}

/** A database of orders, newest first, each visible from its creation on. A statement takes the time that it costs. */
class CountingSource {
  rows = 0;
  statements = 0;

  constructor(
    private readonly orders: readonly Order[],
    private readonly time: FakeTime,
    private readonly prices: Prices,
  ) {}

  async load(ranges: readonly TimeRange[]): Promise<Order[]> {
    await Promise.resolve();
    const found = mergeRanges(ranges)
      .reverse()
      .flatMap(({ from, to }) => {
        const end = Math.min(to, this.time.now() + 1);
        const start = countLeading(this.orders, ({ createdAt }) => createdAt >= end);
        return this.orders.slice(
          start,
          countLeading(this.orders, ({ createdAt }) => createdAt >= from),
        );
      });
    this.statements += 1;
    this.rows += found.length;
    this.time.advance(this.prices.statement + found.length * this.prices.row);
    return found;
  }
}

/** The store, in this process; a request takes the time that it costs. */
class CountingStore implements Store {
  lookups = 0;
  private readonly values = new Map<string, StoredValue>();

  constructor(
    private readonly time: FakeTime,
    private readonly prices: Prices,
  ) {}

  async getMany(keys: readonly string[]): Promise<StoreRead> {
    await Promise.resolve();
    const lookups = keys.filter((key) => key.startsWith('token:')).length;
    this.lookups += lookups;
    this.time.advance(0.2 + keys.length * this.prices.lookup);
    return { kind: 'read', epoch: 'bench', values: keys.map((key) => this.values.get(key)) };
  }

  async setMany(entries: readonly StoreEntry[]): Promise<StoreWrite> {
    await Promise.resolve();
    for (const { key, value } of entries) this.values.set(key, value);
    return { kind: 'written', epoch: 'bench' };
  }

  async claim(claims: readonly Claim[]): Promise<Claimed> {
    await Promise.resolve();
    const results = claims.map(({ tokenKey, nonce }) => {
      const value = this.values.get(tokenKey) ?? nonce;
      this.values.set(tokenKey, value);
      return { nonce: value, locked: true };
    });
    return { kind: 'claimed', epoch: 'bench', results };
  }

  async hold(): Promise<void> {
    await Promise.resolve();
  }

  async close(): Promise<void> {
    await Promise.resolve();
  }
}

/** One gateway, as far as orders go, in time that costs nothing to pass. */
export class World {
  readonly levels: OpenedLevels;
  private readonly time: FakeTime;
  private readonly source: CountingSource;
  private readonly store: CountingStore;
  private readonly renewals: Renewals;
  private readonly caches: Caches;
  private readonly closing = new Closing();
  private readonly calendar = new PlantCalendar('UTC');

  constructor(orders: readonly Order[], start: EpochMilliseconds, prices: Prices, windowPolicy: WindowPolicy) {
    const time = (this.time = new FakeTime(start));
    const random = seededRandom('world');
    this.source = new CountingSource(orders, time, prices);
    const store = (this.store = new CountingStore(time, prices));
    const settings = { levels: LEVELS, windowPolicy, tileMaxRows: 10_000, ...TTLS };
    const levels = (this.levels = new OpenedLevels({ orders: settings, lifetimes: TTLS, staleFor: 10 * MINUTE }, QUIET, {
      time,
      stopwatch: time.now,
      random,
    }));
    this.renewals = new Renewals((entries) => {
      levels.meter.renewed(entries.map(({ key }) => key));
      return store.setMany(entries);
    }, time);
    const parts = {
      reader: new JoinedReader(store),
      store,
      memory: new MemoryTier(512 * MIB),
      renewals: this.renewals,
      reuse: new Reuse(this.renewals, time),
      fillLock: SECOND,
      staleFor: 10 * MINUTE,
      time,
      random,
    };
    const plain = listSource((ranges) => this.source.load(ranges));
    const source = {
      ...plain,
      ordersCreatedIn: (ranges: readonly TimeRange[]) => levels.timed(() => plain.ordersCreatedIn(ranges)),
    };
    const entity = orderLists(source, { ttls: TTLS, readWholeAfter: 0, clock: time.now });
    const lists = levels.lists(listsOnly(new ReadThrough(entity, parts)));
    this.caches = { lists } as unknown as Caches;
    levels.start(store, this.closing);
  }

  get now(): EpochMilliseconds {
    return this.time.now();
  }

  get counts(): Counts {
    return { rows: this.source.rows, statements: this.source.statements, lookups: this.store.lookups };
  }

  /** Whatever is due until then happens before. */
  async until(moment: EpochMilliseconds): Promise<void> {
    if (moment > this.time.now()) this.time.advance(moment - this.time.now());
    await new Promise(setImmediate);
  }

  /** One operation with so many pages; answers the ids of each. */
  async read(pages: readonly OrderArguments[]): Promise<string[][]> {
    const viewer = { role: 'operator', subject: newNonce() } as const;
    const parts = { calendar: this.calendar, levels: this.levels, clock: this.time.now };
    const reads = new OrderReads(viewer, createLoaders({ ...this.caches, ...UNUSED }, NOBODY), parts, UNKEPT);
    const answers = await Promise.all(pages.map((page) => reads.page(page)));
    return answers.map(({ orders }) => orders.map(({ id }) => id));
  }

  /** A change of `order` is committed and announced. */
  async change(order: Order): Promise<void> {
    await this.renewals.renew(touchedTokens([{ before: order, after: order }], LEVELS, this.calendar));
  }

  async close(): Promise<void> {
    await this.closing.run({ error: () => undefined });
  }
}

const NONE = { readMany: () => Promise.resolve([]) };
const UNUSED = { orders: NONE, files: NONE, ownOrders: NONE, ownFiles: NONE } as unknown as Omit<Caches, 'lists'>;
