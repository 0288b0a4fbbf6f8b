import { createMemoryStore } from '../src/cache/keyv-store.js';
import { ReadThrough } from '../src/cache/read-through.js';
import type { Store } from '../src/cache/store.js';
import { HOUR, MIB, MINUTE } from '../src/units.js';
import { cacheParts } from './support/cache-parts.js';
import { SILENT, versionedEntity } from './support/cache-world.js';
import { FakeTime } from './support/fake-time.js';

/** A cache whose source counts its loads, and what it was told of earlier values. */
function cacheOn(store: Store, time: FakeTime) {
  const formers: (number | undefined)[][] = [];
  const parts = cacheParts(store, time);
  const entity = versionedEntity(() => Promise.resolve([]));
  const cache = new ReadThrough<string, number>(
    {
      ...entity,
      load: (keys, _trace, former) => {
        formers.push(keys.map((_key, index) => former(index)));
        return Promise.resolve(keys.map(() => formers.length));
      },
    },
    parts,
  );
  const read = async (...keys: string[]) => {
    const answers = await cache.readMany(keys, SILENT);
    await cache.flush();
    return answers.map(({ value }) => value);
  };
  return { read, renew: (key: string) => parts.renewals.renew([`token:${key}`]), formers };
}

describe('a load is told of the value that its key had before', () => {
  test('none at first; what is in memory, after an invalidation', async () => {
    const { read, renew, formers } = cacheOn(createMemoryStore(MIB), new FakeTime());
    await read('a');
    await renew('a');
    await read('a', 'b');
    expect(formers).toEqual([[undefined], [1, undefined]]);
  });

  test('what has expired', async () => {
    const time = new FakeTime();
    const { read, formers } = cacheOn(createMemoryStore(MIB), time);
    await read('a');
    time.advance(HOUR);
    await read('a');
    expect(formers).toEqual([[undefined], [1]]);
  });

  test('what another process has put into the store, rather than its own', async () => {
    const [store, time] = [createMemoryStore(MIB), new FakeTime()];
    const [one, other] = [cacheOn(store, time), cacheOn(store, time)];
    await one.read('a');
    await other.renew('a');
    await other.read('b');
    expect(await other.read('a')).toEqual([2]);
    await other.renew('a');
    await one.read('a');
    expect(one.formers).toEqual([[undefined], [2]]);
  });

  test('also when it is refreshed before it expires', async () => {
    const [store, time] = [createMemoryStore(MIB), new FakeTime()];
    const parts = { ...cacheParts(store, time), random: () => 1 - Number.EPSILON };
    const formers: (number | undefined)[] = [];
    const cache = new ReadThrough<string, number>(
      {
        ...versionedEntity(() => Promise.resolve([]), MINUTE),
        load: (_keys, _trace, former) => {
          formers.push(former(0));
          time.advance(10);
          return Promise.resolve([formers.length]);
        },
      },
      parts,
    );
    await cache.readMany(['a'], SILENT);
    time.advance(54_000 - 11);
    await cache.readMany(['a'], SILENT);
    // The refresh goes on behind the answer.
    while (cache.inFlight > 0) await new Promise(setImmediate);
    expect(formers).toEqual([undefined, 1]);
  });
});
