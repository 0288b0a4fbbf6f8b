import type { CachedEntity } from '../src/cache/entity.js';
import { ENTRY_FORMAT } from '../src/cache/entry.js';
import { Flights } from '../src/cache/flights.js';
import { createMemoryStore } from '../src/cache/keyv-store.js';
import { ReadThrough } from '../src/cache/read-through.js';
import { unavailable } from '../src/cache/store.js';
import { MIB, MINUTE } from '../src/units.js';
import { settled, setUp, traced } from './support/cache-instances.js';
import { cacheParts, storeWith } from './support/cache-parts.js';
import { SILENT, type Instance, type VersionedSource } from './support/cache-world.js';
import { FakeTime } from './support/fake-time.js';
import { Gates } from './support/gates.js';

describe('fill starts, row changes, invalidation, fill ends', () => {
  test.each(['the same instance', 'another instance'])('the old value is served to nobody later, by %s', async (where) => {
    const { gates, a, b } = setUp();
    const rows = gates.hold('rows on their way');
    const early = a.read(['x']);
    await rows.reached;
    await (where === 'the same instance' ? a : b).change('x');
    rows.release();
    expect(await early).toEqual([0]);
    expect(await a.read(['x'])).toEqual([1]);
    expect(await b.read(['x'])).toEqual([1]);
  });

  test('a reader that comes after the invalidation does not join the load under way', async () => {
    const { gates, a } = setUp();
    expect(await lateReader(gates, a)).toEqual([1]);
  });

  test('and the test would see it if it did', async () => {
    const { gates, a } = setUp();
    const { joinable } = Flights.prototype;
    Flights.prototype.joinable = function (this: Flights<unknown>, each: string) {
      return (this as unknown as { byKey: Map<string, never> }).byKey.get(each);
    };
    expect(await lateReader(gates, a)).toEqual([0]);
    Flights.prototype.joinable = joinable;
  });

  /** What a reader gets that arrives after a change, while a load from before it is under way. */
  async function lateReader(gates: Gates, instance: Instance): Promise<number[]> {
    const rows = gates.hold('rows on their way');
    const early = instance.read(['x']);
    await rows.reached;
    await instance.change('x');
    const late = instance.read(['x']);
    setImmediate(rows.release);
    await early;
    return late;
  }
});

describe('one load', () => {
  test('many readers of a cold key cause one statement', async () => {
    const { source, a } = setUp();
    const answers = await Promise.all(Array.from({ length: 500 }, () => a.read(['x'])));
    expect(answers.every(([value]) => value === 0)).toBe(true);
    expect(source.statements).toBe(1);
  });

  test('all that one read misses is one statement: three round trips cold, one hot, none to the source', async () => {
    const { source, a } = setUp();
    const keys = Array.from({ length: 24 }, (_, hour) => `hour ${hour}`);
    expect(await traced(a, keys)).toMatchObject({ storeRoundTrips: 3, outcomes: { versions: { filled: 24 } } });
    expect(source.statements).toBe(1);
    expect(await traced(a, keys)).toMatchObject({ storeRoundTrips: 1, outcomes: { versions: { 'hit-memory': 24 } } });
    expect(source.statements).toBe(1);
  });

  test('another instance finds it in the store, and then in its own memory', async () => {
    const { source, a, b } = setUp();
    await a.read(['x']);
    await a.cache.flush();
    expect(await traced(b, ['x'])).toMatchObject({ storeRoundTrips: 1, outcomes: { versions: { 'hit-store': 1 } } });
    expect(await traced(b, ['x'])).toMatchObject({ outcomes: { versions: { 'hit-memory': 1 } } });
    expect(source.statements).toBe(1);
  });

  test('an instance with an outdated entry takes what another one has filled since', async () => {
    const { source, a, b } = setUp();
    await a.read(['x']);
    await b.change('x');
    await b.read(['x']);
    await b.cache.flush();
    expect(await traced(a, ['x'])).toMatchObject({ values: [1], storeRoundTrips: 2, outcomes: { versions: { 'hit-store': 1 } } });
    expect(source.statements).toBe(2);
  });

  test('a key that is asked for twice in one read is loaded once', async () => {
    const { a } = setUp();
    expect(await traced(a, ['x', 'x'])).toMatchObject({ values: [0, 0], outcomes: { versions: { filled: 1, joined: 1 } } });
  });
});

describe('whole or nothing', () => {
  test('a failed load fails all who wait for it, and leaves nothing behind', async () => {
    const { source, a } = setUp();
    const heal = failing(source);
    await expect(Promise.all([a.read(['x', 'y']), a.read(['x'])])).rejects.toThrow('no answer');
    heal();
    expect(a.cache.inFlight).toBe(0);
    expect(await a.read(['x', 'y'])).toEqual([0, 0]);
  });

  test('a load that gives fewer values than keys is refused', async () => {
    const { source, a } = setUp();
    const { read } = source;
    source.read = (keys) => read.call(source, keys).slice(1);
    await expect(a.read(['x', 'y'])).rejects.toThrow('must load 2 values, but got: 1');
    source.read = read;
    expect(await a.read(['x'])).toEqual([0]);
  });
});

describe('expiry', () => {
  test('an entry is not used after its time, in memory or in the store', async () => {
    const { source, time, a, b } = setUp();
    await a.read(['x']);
    await a.cache.flush();
    source.commit('x');
    time.advance(MINUTE - 1);
    expect(await a.read(['x'])).toEqual([0]);
    time.advance(1);
    expect(await b.read(['x'])).toEqual([1]);
    expect(await a.read(['x'])).toEqual([1]);
  });
});

describe('refresh before expiry', () => {
  /** An instance with an entry that took 100 ms to load, at a moment when it is due for a refresh. */
  async function setUpDue() {
    const parts = setUp(createMemoryStore(MIB), () => 0.99);
    const { gates, time, a } = parts;
    const rows = gates.hold('rows on their way');
    const first = a.read(['x']);
    await rows.reached;
    time.advance(100);
    rows.release();
    await first;
    // 99 of 100 throws are below 0.99, so a load of 100 ms is due 460 ms before the entry expires.
    time.advance(MINUTE * 0.901 - 500);
    return parts;
  }

  test('a hot entry is loaded again in the background, once, before it expires', async () => {
    const { source, gates, a } = await setUpDue();
    source.commit('x');
    const again = gates.hold('rows on their way');
    expect(await Promise.all([a.read(['x']), a.read(['x']), a.read(['x'])])).toEqual([[0], [0], [0]]);
    await again.reached;
    again.release();
    await settled(() => a.cache.inFlight === 0);
    expect(source.statements).toBe(2);
    expect(await traced(a, ['x'])).toMatchObject({ values: [1], outcomes: { versions: { 'hit-memory': 1 } } });
  });

  test('a refresh that fails is nobody’s trouble', async () => {
    const { source, a } = await setUpDue();
    failing(source);
    expect(await a.read(['x'])).toEqual([0]);
    await settled(() => a.cache.inFlight === 0);
    expect(await a.read(['x'])).toEqual([0]);
  });
});

test('what a stranger wrote under our keys is a miss', async () => {
  const inner = createMemoryStore(MIB);
  const { a } = setUp(inner);
  for (const value of [
    'text',
    7,
    { token: 1 },
    { token: 'x', loadedAt: 0, expiresAt: Number.MAX_SAFE_INTEGER, value: 99 },
    [[]],
  ]) {
    await inner.setMany([{ key: 'value:x', value, ttl: MINUTE }]);
    expect(await a.read(['x'])).toEqual([0]);
    await inner.setMany([{ key: 'token:x', value, ttl: MINUTE }]);
    expect(await a.read(['x'])).toEqual([0]);
  }
});

test('what another version of the gateway stored in another format is a miss', async () => {
  const inner = createMemoryStore(MIB);
  const { a, b, source } = setUp(inner);
  expect(await a.read(['x'])).toEqual([0]);
  const read = await inner.getMany(['value:x']);
  const stored = read.kind === 'read' ? read.values[0] : undefined;
  if (typeof stored !== 'object') throw new Error('expected an entry');
  await inner.setMany([{ key: 'value:x', value: { ...stored, format: ENTRY_FORMAT + 1 }, ttl: MINUTE }]);
  expect(await b.read(['x'])).toEqual([0]);
  expect(source.statements).toBe(2);
});

describe('keys that share a place in the store, such as today’s orders of two days', () => {
  const days = (gates: Gates) => {
    const entity: CachedEntity<string, string> = {
      name: 'days',
      valueKey: () => 'value:new',
      tokenKey: (day) => `token:new:${day}`,
      load: async (keys) => {
        await gates.pause('load');
        return keys.map((day) => `orders of ${day}`);
      },
      ttl: () => MINUTE,
      weigh: () => 8,
      pack: (value) => value,
      unpack: (stored) => stored as string,
    };
    return entity;
  };
  const read = async (cache: ReadThrough<string, string>, day: string) => (await cache.readMany([day], SILENT))[0]?.value;

  test('are never taken for each other: not cached, not joined, not used again, not stale', async () => {
    const gates = new Gates();
    const time = new FakeTime();
    const inner = createMemoryStore(MIB);
    let up = true;
    const gone = () => Promise.resolve(unavailable('down'));
    const store = storeWith(inner, {
      getMany: (keys) => (up ? inner.getMany(keys) : gone()),
      claim: (...claim) => (up ? inner.claim(...claim) : gone()),
    });
    const cache = new ReadThrough(days(gates), cacheParts(store, time));
    const load = gates.hold('load');
    const monday = read(cache, 'Monday');
    const tuesday = read(cache, 'Tuesday');
    await load.reached;
    load.release();
    expect(await Promise.all([monday, tuesday])).toEqual(['orders of Monday', 'orders of Tuesday']);
    for (const day of ['Monday', 'Tuesday', 'Monday']) expect(await read(cache, day)).toBe(`orders of ${day}`);
    up = false;
    for (const day of ['Monday', 'Tuesday', 'Wednesday', 'Monday']) expect(await read(cache, day)).toBe(`orders of ${day}`);
  });
});

/** Until the returned function is called, the source does not answer. */
function failing(source: VersionedSource): () => void {
  const { read } = source;
  source.read = () => {
    throw new Error('no answer');
  };
  return () => {
    source.read = read;
  };
}
