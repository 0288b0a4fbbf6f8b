import type { CachedEntity } from '../src/cache/entity.js';
import { createMemoryStore } from '../src/cache/keyv-store.js';
import { LoadGate } from '../src/cache/load-gate.js';
import { ReadThrough } from '../src/cache/read-through.js';
import type { Trace } from '../src/cache/outcome.js';
import { MIB, MINUTE } from '../src/units.js';
import { cacheParts } from './support/cache-parts.js';
import { FakeTime } from './support/fake-time.js';

const SILENT: Trace = { outcome: () => undefined, storeRoundTrip: () => undefined, sqlStatement: () => undefined };

interface Load {
  readonly keys: readonly string[];
  readonly signal: AbortSignal;
  readonly end: (values: readonly string[]) => void;
}

/** A source whose loads a test ends by hand; it does what it is told by the signal only if it is `obedient`. */
function world(obedient = true) {
  const loads: Load[] = [];
  const waiting: (() => void)[] = [];
  const entity: CachedEntity<string, string> = {
    name: 'things',
    valueKey: (key) => `value:${key}`,
    tokenKey: (key) => `token:${key}`,
    load: (keys, _trace, _former, signal) =>
      new Promise((end, reject) => {
        loads.push({ keys, signal, end });
        if (obedient) signal.addEventListener('abort', () => reject(signal.reason as Error));
        for (const wake of waiting.splice(0)) wake();
      }),
    ttl: () => MINUTE,
    weigh: () => 8,
    pack: (value) => value,
    unpack: (stored) => stored as string,
  };
  const store = createMemoryStore(MIB);
  const time = new FakeTime();
  const cache = new ReadThrough(entity, cacheParts(store, time));
  const begun = async (number: number): Promise<Load> => {
    while (loads.length < number) await new Promise<void>((resolve) => waiting.push(resolve));
    return loads[number - 1] as Load;
  };
  const read = (keys: readonly string[], signal?: AbortSignal) =>
    cache.readMany(keys, SILENT, signal).then((answers) => answers.map(({ value, outcome }) => `${value} ${outcome}`));
  return { cache, loads, begun, read, store, time };
}

const GONE = new Error('gone');

describe('a reader that leaves', () => {
  test('takes its load with it if nobody else waits: given up, not cached, loaded anew for who comes later', async () => {
    const { begun, read, cache } = world();
    const reader = new AbortController();
    const first = read(['a', 'b'], reader.signal);
    const load = await begun(1);
    reader.abort(GONE);
    expect(load.signal.aborted).toBe(true);
    expect(cache.inFlight).toBe(0);
    // In the same tick.
    const later = read(['a', 'b']);
    await expect(first).rejects.toBe(GONE);
    (await begun(2)).end(['A', 'B']);
    expect(await later).toEqual(['A filled', 'B filled']);
    expect(await read(['a'])).toEqual(['A hit-memory']);
  });

  test.each([true, false])('leaves the load to others that wait for some of it (the first leaves: %s)', async (firstLeaves) => {
    const { begun, read, loads } = world();
    const [one, two] = [new AbortController(), new AbortController()];
    const first = read(['a', 'b'], one.signal);
    const load = await begun(1);
    const second = read(['b'], two.signal);
    // The second reader has joined when its look at the store is over.
    await new Promise((resolve) => setImmediate(resolve));
    (firstLeaves ? one : two).abort(GONE);
    await expect(firstLeaves ? first : second).rejects.toBe(GONE);
    expect(load.signal.aborted).toBe(false);
    load.end(['A', 'B']);
    expect(await (firstLeaves ? second : first)).toEqual(firstLeaves ? ['B joined'] : ['A filled', 'B filled']);
    expect(loads).toHaveLength(1);
    expect(await read(['a', 'b'])).toEqual(['A hit-memory', 'B hit-memory']);
  });

  test('the last of many ends the load, and a reader without a signal never does', async () => {
    const { begun, read } = world();
    const readers = Array.from({ length: 20 }, () => new AbortController());
    const reads = readers.map(({ signal }) => read(['a'], signal).catch((error: unknown) => error));
    const load = await begun(1);
    for (const reader of readers.slice(1)) reader.abort(GONE);
    expect(load.signal.aborted).toBe(false);
    readers[0]?.abort(GONE);
    expect(load.signal.aborted).toBe(true);
    expect(await Promise.all(reads)).toEqual(reads.map(() => GONE));

    const staying = read(['b']);
    const next = await begun(2);
    const leaving = new AbortController();
    const left = read(['b'], leaving.signal);
    await new Promise((resolve) => setImmediate(resolve));
    leaving.abort(GONE);
    await expect(left).rejects.toBe(GONE);
    expect(next.signal.aborted).toBe(false);
    next.end(['B']);
    expect(await staying).toEqual(['B filled']);
  });

  test('what a source still answers after it was told to give up is not cached', async () => {
    const { begun, read, store } = world(false);
    const reader = new AbortController();
    const first = read(['a'], reader.signal);
    const load = await begun(1);
    reader.abort(GONE);
    await expect(first).rejects.toBe(GONE);
    load.end(['old']);
    await new Promise((resolve) => setImmediate(resolve));
    expect(await store.getMany(['value:a'])).toMatchObject({ values: [undefined] });
    const later = read(['a']);
    (await begun(2)).end(['new']);
    expect(await later).toEqual(['new filled']);
  });

  test('before its load has begun: the source is not asked at all', async () => {
    const { read, loads, cache } = world();
    const reader = new AbortController();
    const first = read(['a'], reader.signal);
    reader.abort(GONE);
    await expect(first).rejects.toBe(GONE);
    await new Promise((resolve) => setImmediate(resolve));
    expect(loads).toEqual([]);
    expect(cache.inFlight).toBe(0);
    await expect(read(['a'], reader.signal)).rejects.toBe(GONE);
  });
});

describe('who waits for a turn at a source', () => {
  test('leaves the queue, and does not take the place of others', async () => {
    const gate = new LoadGate('source', 1, 10);
    let end = (): void => undefined;
    const ran: string[] = [];
    const running = gate.run(() => new Promise<void>((resolve) => (end = resolve)));
    const leaving = new AbortController();
    const left = gate.run(() => Promise.resolve(ran.push('left')), undefined, leaving.signal);
    const next = gate.run(() => Promise.resolve(ran.push('next')));
    leaving.abort(GONE);
    await expect(left).rejects.toBe(GONE);
    end();
    await Promise.all([running, next]);
    expect(ran).toEqual(['next']);
    await gate.run(() => Promise.resolve(ran.push('after')));
    expect(ran).toEqual(['next', 'after']);
  });

  test('may leave in the moment in which the queue throws it out', async () => {
    const gate = new LoadGate('source', 1, 2);
    let end = (): void => undefined;
    const ran: string[] = [];
    const running = gate.run(() => new Promise<void>((resolve) => (end = resolve)));
    const waiting = gate.run(() => Promise.resolve(ran.push('a')), 'a');
    const leaving = new AbortController();
    const left = gate.run(() => Promise.resolve(ran.push('left')), 'a', leaving.signal);
    const other = gate.run(() => Promise.resolve(ran.push('b')), 'b');
    leaving.abort(GONE);
    await expect(left).rejects.toThrow();
    expect(ran).toEqual([]);
    end();
    await Promise.all([running, waiting, other]);
    expect(ran).toEqual(['a', 'b']);
  });
});
