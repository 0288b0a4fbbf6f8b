import { tokenOf } from '../src/cache/entry.js';
import { createMemoryStore } from '../src/cache/keyv-store.js';
import { ReadThrough } from '../src/cache/read-through.js';
import { unavailable, type Store, type StoreWrite } from '../src/cache/store.js';
import { orderLists } from '../src/loaders/order-lists.js';
import { listTokenKey } from '../src/orders/keys.js';
import type { OrderList } from '../src/orders/lists.js';
import { tileAt } from '../src/orders/tiles.js';
import { MesDatabase } from '../src/sources/mes-database.js';
import { MIB, MINUTE } from '../src/units.js';
import { cacheParts, storeWith } from './support/cache-parts.js';
import { SILENT, versionedEntity } from './support/cache-world.js';
import { FakeTime } from './support/fake-time.js';
import { listSource } from './support/orders.js';
import { freshPlant, type Plant } from './support/plant.js';
import { startProxyTo, type Proxy } from './support/proxy.js';
import { holdFirst, runRace } from './support/race.js';
import { describeWith } from './support/servers/shared.js';

const HOUR_OF_ORDERS: OrderList = { kind: 'tile', tile: tileAt(Date.parse('2025-07-24T15:00Z'), 60) };
const TOKEN = listTokenKey(HOUR_OF_ORDERS);

/** The same cache of lists as in the gateway, on `store`, with `database` behind it. */
function cacheOn(store: Store, database: MesDatabase) {
  const time = new FakeTime();
  const parts = cacheParts(store, time);
  const source = listSource((ranges) => database.ordersCreatedIn(ranges));
  const ttls = { ttl: MINUTE, freshTtl: MINUTE };
  const entity = orderLists(source, { ttls, readWholeAfter: 0, clock: time.now });
  return { cache: new ReadThrough(entity, parts), renewals: parts.renewals };
}

/** A store that makes the field's usual mistake out of a right cache: an entry gets the token of when it is written. */
function stampingLate(inner: Store): Store {
  return storeWith(inner, {
    setMany: async (entries) => {
      const read = await inner.getMany([TOKEN]);
      const token = read.kind === 'read' ? tokenOf(read.epoch, read.values[0]) : undefined;
      return inner.setMany(
        entries.map((entry) => (typeof entry.value === 'object' ? { ...entry, value: { ...entry.value, token } } : entry)),
      );
    },
  });
}

describeWith('postgres')('the race of race-fill.test.ts finds a cache that is wrong', () => {
  let plant: Plant;
  let proxy: Proxy;
  let database: MesDatabase;

  beforeEach(async () => {
    plant = await freshPlant();
    const through = await startProxyTo(plant.url);
    proxy = through.proxy;
    database = new MesDatabase({ url: through.url, poolMax: 4, timeout: 10_000 });
  });
  afterEach(async () => {
    await database.close();
    await proxy.close();
  });

  test.each([
    { store: 'the right one', wrap: (store: Store) => store, expected: 'SUBMITTED' },
    { store: 'one in which the token is read after the load', wrap: stampingLate, expected: 'FILE_UPLOADED' },
  ])('with the store: $store, the reader gets $expected', async ({ wrap, expected }) => {
    const [order] = await plant.insert({ status: 'FILE_UPLOADED' });
    const { cache, renewals } = cacheOn(wrap(createMemoryStore(MIB)), database);
    const read = async () => {
      const [answer] = await cache.readMany([HOUR_OF_ORDERS], SILENT);
      await cache.flush();
      return answer!.value.orders[0]!.status;
    };
    const { slow, after } = await runRace({
      hold: () => holdFirst(proxy, order!.id),
      slowRead: read,
      change: async () => {
        await database.changeStatuses([{ id: order!.id, status: 'SUBMITTED', expectedVersion: undefined }]);
        await renewals.renew([TOKEN]);
      },
      readers: [read],
    });
    expect({ slow, after }).toEqual({ slow: 'FILE_UPLOADED', after: [expected] });
  });
});

describe('an answer of the store that is held', () => {
  /** A cache of versions on a store whose next answer to a read can be held, and whose writes can be made to fail. */
  function heldWorld() {
    const inner = createMemoryStore(MIB);
    const time = new FakeTime();
    const world = {
      version: 1,
      loads: 0,
      writable: true,
      held: Promise.resolve(),
      loaded: Promise.resolve(),
      read: () => Promise.resolve(0),
      time,
    };
    const store = storeWith(inner, {
      getMany: async (keys) => {
        const [answer] = await Promise.all([inner.getMany(keys), world.held]);
        return answer;
      },
      setMany: (entries): Promise<StoreWrite> => (world.writable ? inner.setMany(entries) : Promise.resolve(unavailable('test'))),
    });
    const parts = cacheParts(store, time);
    const { renewals } = parts;
    const load = async () => {
      world.loads += 1;
      await world.loaded;
      return [world.version];
    };
    const cache = new ReadThrough(versionedEntity(load), parts);
    world.read = async () => (await cache.readMany(['a'], SILENT))[0]!.value;
    const hold = () => {
      const [held, release] = gate();
      world.held = held;
      return release;
    };
    return { world, renewals, hold };
  }
  /** Lets everything run that waits for nothing but promises. */
  const settled = () => new Promise((resolve) => setImmediate(resolve));

  test('while a renewal that was pending succeeds: the old token in it is not trusted', async () => {
    const { world, renewals, hold } = heldWorld();
    expect(await world.read()).toBe(1);
    world.version = 2;
    world.writable = false;
    expect(await renewals.renew(['token:a'])).toBe('pending');
    world.writable = true;
    const release = hold();
    const reader = world.read();
    await settled();
    world.time.advance(100);
    await settled();
    expect(renewals.pendingCount).toBe(0);
    release();
    expect(await reader).toBe(2);
    expect(await world.read()).toBe(2);
  });

  test('while the fill of another reader ends: one load serves both', async () => {
    const { world, hold } = heldWorld();
    const [loaded, landLoad] = gate();
    world.loaded = loaded;
    const first = world.read();
    await settled();
    const release = hold();
    const second = world.read();
    await settled();
    landLoad();
    expect(await first).toBe(1);
    release();
    expect(await second).toBe(1);
    expect(world.loads).toBe(1);
  });
});

function gate(): [Promise<void>, () => void] {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return [opened, () => open()];
}
