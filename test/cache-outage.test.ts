import { GatewayError } from '../src/errors.js';
import { createMemoryStore } from '../src/cache/keyv-store.js';
import { unavailable, type Store } from '../src/cache/store.js';
import { MIB, MINUTE } from '../src/units.js';
import { settled, setUp, traced } from './support/cache-instances.js';
import { storeWith } from './support/cache-parts.js';
import type { VersionedSource } from './support/cache-world.js';

describe('the source does not answer', () => {
  const outage = new GatewayError('SOURCE_UNAVAILABLE', 'The source does not answer.');
  const down = (source: VersionedSource) => {
    source.read = () => {
      throw outage;
    };
  };

  test('an expired entry that nobody invalidated stands in, for a while, and is marked', async () => {
    const { source, time, a, b } = setUp();
    await a.read(['x']);
    await a.cache.flush();
    down(source);
    time.advance(MINUTE + 1);
    expect(await traced(a, ['x'])).toMatchObject({ values: [0], stale: true, outcomes: { versions: { stale: 1 } } });
    expect(await traced(b, ['x'])).toMatchObject({ values: [0], stale: true });
    time.advance(MINUTE);
    await expect(a.read(['x'])).rejects.toBe(outage);
    await expect(b.read(['x'])).rejects.toBe(outage);
  });

  test('what was invalidated is never served again', async () => {
    const { source, a } = setUp();
    await a.read(['x']);
    await a.change('x');
    down(source);
    await expect(a.read(['x'])).rejects.toBe(outage);
  });

  test('what this process has changed is not hidden by a stand-in, also when the store is gone too', async () => {
    let up = true;
    const inner = createMemoryStore(MIB);
    const gone = () => Promise.resolve(unavailable('down'));
    const store = storeWith(inner, {
      getMany: (keys) => (up ? inner.getMany(keys) : gone()),
      setMany: (entries) => (up ? inner.setMany(entries) : gone()),
      claim: (...claim) => (up ? inner.claim(...claim) : gone()),
    });
    const { source, a } = setUp(store);
    await a.read(['renewed', 'pending', 'untouched']);
    await a.change('renewed');
    up = false;
    await a.change('pending');
    down(source);
    await expect(a.read(['renewed'])).rejects.toBe(outage);
    await expect(a.read(['pending'])).rejects.toBe(outage);
    expect(await traced(a, ['untouched'])).toMatchObject({ values: [0], stale: true });
  });

  test('an error that is no outage is not covered up', async () => {
    const { source, time, a } = setUp();
    await a.read(['x']);
    time.advance(MINUTE + 1);
    source.read = () => {
      throw new TypeError('a bug');
    };
    await expect(a.read(['x'])).rejects.toThrow('a bug');
  });
});

describe('the store does not answer', () => {
  const dead: Store = {
    getMany: () => Promise.resolve(unavailable('down')),
    setMany: () => Promise.resolve(unavailable('down')),
    claim: () => Promise.resolve(unavailable('down')),
    hold: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };

  test('reads come from the source, joined where they may be, and nothing is kept', async () => {
    const { source, time, a } = setUp(dead);
    expect(await traced(a, ['x'])).toMatchObject({ values: [0], outcomes: { versions: { bypassed: 1 } } });
    source.commit('x');
    time.advance(1_000);
    expect(await traced(a, ['x'])).toMatchObject({ values: [0], outcomes: { versions: { reused: 1 } } });
    time.advance(1);
    expect(await traced(a, ['x'])).toMatchObject({ values: [1], outcomes: { versions: { bypassed: 1 } } });
    await Promise.all(Array.from({ length: 100 }, () => a.read(['x'])));
    expect(source.statements).toBe(2);
  });

  test('a change through this process ends the reuse of what it touches', async () => {
    const { a } = setUp(dead);
    expect(await a.read(['x', 'y'])).toEqual([0, 0]);
    await a.change('x');
    expect(await traced(a, ['x', 'y'])).toMatchObject({ values: [1, 0], outcomes: { versions: { bypassed: 1, reused: 1 } } });
  });

  test('a renewal that did not get through is kept, distrusted and retried', async () => {
    const inner = createMemoryStore(MIB);
    let up = true;
    const flaky = storeWith(inner, {
      setMany: (entries) => (up ? inner.setMany(entries) : Promise.resolve(unavailable('down'))),
    });
    const { time, a, b } = setUp(flaky);
    await a.read(['x']);
    up = false;
    expect(await a.change('x')).toEqual({ version: 1, renewed: false });
    expect(a.renewals.pendingCount).toBe(1);
    expect(await a.read(['x'])).toEqual([1]);
    up = true;
    time.advance(200);
    await settled(() => a.renewals.pendingCount === 0);
    expect(await b.read(['x'])).toEqual([1]);
    await settled(() => time.pending === 0);
  });
});
