import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { scopeOf, type Viewer } from '../src/access/viewer.js';
import type { Answer } from '../src/cache/entity.js';
import { createMemoryStore } from '../src/cache/keyv-store.js';
import { OperationTrace } from '../src/cache/operation-trace.js';
import { ReadyAnswers, Recording, type Question } from '../src/cache/ready-answers.js';
import { unavailable, type Store } from '../src/cache/store.js';
import type { CachedFile } from '../src/loaders/entities.js';
import { createLoaders, recorded, type Loaders } from '../src/loaders/loaders.js';
import { OrderReads, type OrderArguments } from '../src/loaders/order-reads.js';
import type { Claim } from '../src/loaders/ownership.js';
import { listRange, type OrderList } from '../src/orders/lists.js';
import type { Order } from '../src/orders/order.js';
import { PlantCalendar } from '../src/orders/plant-day.js';
import { DAY, KIB, MIB, MINUTE, SECOND } from '../src/units.js';
import { AnsweringInstance } from './support/answering-instance.js';
import { settled } from './support/cache-instances.js';
import { storeWith } from './support/cache-parts.js';
import { VersionedSource } from './support/cache-world.js';
import { FakeTime } from './support/fake-time.js';
import { LockingServer } from './support/locking-server.js';
import { cacheOf, createdIn, orderOf, levelsOf } from './support/orders.js';

const NO_PAUSE = () => Promise.resolve();

/** One process that gives whole answers again, on a store whose parts can be made to fail. */
function instanceOn(store: Store = createMemoryStore(MIB), random = () => 0) {
  const reach = { reads: true, writes: true };
  const reaching = storeWith(store, {
    getMany: (keys) => (reach.reads ? store.getMany(keys) : Promise.resolve(unavailable('test'))),
    setMany: (entries) => (reach.writes ? store.setMany(entries) : Promise.resolve(unavailable('test'))),
    claim: (...claim) => (reach.reads ? store.claim(...claim) : Promise.resolve(unavailable('test'))),
  });
  const [source, time] = [new VersionedSource(), new FakeTime()];
  const instance = new AnsweringInstance(source, reaching, NO_PAUSE, time, { random });
  const read = async () => {
    const { given } = instance.count;
    const values = await instance.read(['a', 'b']);
    await instance.cache.flush();
    return { values, ready: instance.count.given > given };
  };
  return { source, time, instance, reach, read };
}

describe('a whole answer', () => {
  test('is given again while its reads give what they gave', async () => {
    const { source, read } = instanceOn();
    expect(await read()).toEqual({ values: [0, 0], ready: false });
    for (let time = 0; time < 3; time += 1) expect(await read()).toEqual({ values: [0, 0], ready: true });
    expect(source.statements).toBe(2);
  });

  test('is made anew after a change, once', async () => {
    const { instance, read } = instanceOn();
    await read();
    await instance.change('b');
    expect(await read()).toEqual({ values: [0, 1], ready: false });
    expect(await read()).toEqual({ values: [0, 1], ready: true });
  });

  test('is not given when the store came back with older data', async () => {
    const server = new LockingServer();
    const { source, read } = instanceOn(server.store());
    await read();
    server.restart();
    server.restart();
    source.commit('a');
    expect(await read()).toEqual({ values: [1, 0], ready: false });
  });

  test('is not given when one of its entries has expired', async () => {
    const { source, time, read } = instanceOn();
    await read();
    source.commit('a');
    time.advance(MINUTE - 1);
    expect(await read()).toEqual({ values: [0, 0], ready: true });
    time.advance(1);
    expect(await read()).toEqual({ values: [1, 0], ready: false });
  });

  test('does not keep its entries from being refreshed ahead of their expiry', async () => {
    const random = { next: 0 };
    const { source, time, instance, read } = instanceOn(undefined, () => random.next);
    const { load } = instance;
    instance.load = (keys) => {
      time.advance(SECOND);
      return load.call(instance, keys);
    };
    await read();
    source.commit('a');
    time.advance(MINUTE - 5 * SECOND);
    random.next = 0.9999;
    expect(await read()).toEqual({ values: [0, 0], ready: true });
    await settled(() => instance.cache.inFlight === 0);
    random.next = 0;
    expect(await read()).toEqual({ values: [1, 0], ready: false });
    expect(await read()).toEqual({ values: [1, 0], ready: true });
  });

  test('is not given while a renewal of one of its keys is pending', async () => {
    const { instance, reach, read } = instanceOn();
    await read();
    reach.writes = false;
    expect(await instance.change('a')).toMatchObject({ renewed: false });
    for (let time = 0; time < 3; time += 1) expect((await read()).values).toEqual([1, 0]);
  });

  test('is not given by itself while the store does not answer', async () => {
    const { source, time, reach, read } = instanceOn();
    await read();
    reach.reads = false;
    source.commit('a');
    expect(await read()).toEqual({ values: [1, 0], ready: false });
    source.commit('a');
    // The loads of the last second are used again, and so is what was made of them.
    expect(await read()).toEqual({ values: [1, 0], ready: true });
    time.advance(SECOND + 1);
    expect(await read()).toEqual({ values: [2, 0], ready: false });
  });

  test('is for nobody when a read fails: whoever reads gets the error', async () => {
    const { source, instance, read } = instanceOn();
    await read();
    await instance.change('a');
    source.read = () => {
      throw new Error('down');
    };
    await expect(read()).rejects.toThrow('down');
  });
});

// -- What is kept, for whom

type Values = Record<string, unknown>;
interface Reader {
  load(key: string): Promise<Answer<unknown>>;
}

/** A reader of `values`; what is read twice is the same promise. */
function readerOf(values: Values): Reader {
  const answers = new Map<string, Promise<Answer<unknown>>>();
  const answer = (key: string) => Promise.resolve({ value: values[key], loadedAt: 0, outcome: 'hit-memory' as const });
  return {
    load: (key) => {
      const known = answers.get(key) ?? answer(key);
      answers.set(key, known);
      return known;
    },
  };
}

function readyOf(maxSize = MIB, now = { at: 0 }) {
  const ready = new ReadyAnswers<Reader>(maxSize, () => now.at);
  const keep = async (question: Question, values: Values, text: string, note = (_: Recording<Reader>): void => undefined) => {
    const recording = new Recording(readerOf(values));
    for (const key of Object.keys(values)) await recording.read((reader) => reader.load(key));
    note(recording);
    await ready.keep(question, recording, text);
  };
  return { ready, keep };
}

const DOCUMENT = { text: 'query' };
const QUESTION: Question = { document: DOCUMENT, variables: '{}', scope: 'operator' };
const VALUES = { list: [1, 2], order: { id: 1 }, none: null };

describe('an answer is kept', () => {
  test.each<[string, Values, string | undefined]>([
    ['the very values', VALUES, 'text'],
    ['an equal list that is another one', { ...VALUES, list: [1, 2] }, undefined],
    ['an object in place of null', { ...VALUES, none: {} }, undefined],
    ['null in place of an object', { ...VALUES, order: null }, undefined],
    ['nothing', {}, undefined],
  ])('and given to who reads %s', async (_what, values, expected) => {
    const { ready, keep } = readyOf();
    await keep(QUESTION, VALUES, 'text');
    expect(await ready.find(QUESTION, readerOf(values))).toBe(expected);
  });

  test('only if something was read, all of it was answered, and it is not for now alone', async () => {
    const { ready, keep } = readyOf();
    await keep(QUESTION, {}, 'text');
    await keep(QUESTION, VALUES, 'text', (recording) => recording.onlyNow());
    await keep(QUESTION, VALUES, 'text', (recording) => {
      recording.onlyWithin({ from: -1, to: 1 });
      recording.onlyWithin({ from: 1, to: 2 });
    });
    expect(ready.size).toBe(0);
    const failing = keep(QUESTION, VALUES, 'text', (recording) => {
      recording.read(() => Promise.reject(new Error('down'))).catch(() => undefined);
    });
    await expect(failing).rejects.toThrow('down');
    expect(ready.size).toBe(0);
  });

  test('for as long as it is right by the clock, also by one that is set back', async () => {
    const now = { at: 10 };
    const { ready, keep } = readyOf(MIB, now);
    await keep(QUESTION, VALUES, 'text', (recording) => recording.onlyWithin({ from: 10, to: 20 }));
    const given: number[] = [];
    for (now.at = 5; now.at < 25; now.at += 1) if (await ready.find(QUESTION, readerOf(VALUES))) given.push(now.at);
    expect(given).toEqual([10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
  });

  test('for its own question only, whatever is in it', async () => {
    const piece = fc.oneof(fc.string(), fc.constantFrom('', '"', '","', '{}', 'partner:', 'operator', '1'));
    const [document, other] = [{}, {}];
    const question = fc.record({ document: fc.constantFrom(document, other), variables: piece, scope: piece });
    const isSame = (a: Question, b: Question) => a.document === b.document && a.variables === b.variables && a.scope === b.scope;
    await fc.assert(
      fc.asyncProperty(question, question, async (a, b) => {
        const { ready, keep } = readyOf();
        await keep(a, VALUES, 'text');
        expect(await ready.find(b, readerOf(VALUES))).toBe(isSame(a, b) ? 'text' : undefined);
      }),
    );
  });

  test('in so many bytes, the least recently used first out', async () => {
    const { ready, keep } = readyOf(64 * KIB);
    const asked = (index: number) => ({ ...QUESTION, variables: String(index) });
    for (let index = 0; index < 100; index += 1) {
      await keep(asked(index), VALUES, 'x'.repeat(2 * KIB));
      await ready.find(asked(0), readerOf(VALUES));
      expect(ready.size).toBeLessThanOrEqual(64 * KIB);
    }
    expect(ready.size).toBeGreaterThan(56 * KIB);
    expect(await ready.find(asked(0), readerOf(VALUES))).toBeDefined();
    expect(await ready.find(asked(50), readerOf(VALUES))).toBeUndefined();
    await keep(asked(100), VALUES, 'x'.repeat(64 * KIB));
    expect(await ready.find(asked(100), readerOf(VALUES))).toBeUndefined();
  });
});

describe('scopes', () => {
  const anyId = fc.oneof(fc.string({ minLength: 1 }), fc.constantFrom('operator', 'service', 'partner:a', 'a', 'a:', ':'));
  const anyViewer: fc.Arbitrary<Viewer> = fc.oneof(
    fc.record({ role: fc.constantFrom('operator' as const, 'service' as const), subject: anyId }),
    fc.record({ role: fc.constant('partner' as const), subject: anyId, partnerId: anyId }),
    fc.constant({ role: 'anonymous' as const }),
  );

  test('are one for viewers of one role, but of each partner its own', () => {
    const partnerOf = (viewer: Viewer) => (viewer.role === 'partner' ? viewer.partnerId : undefined);
    fc.assert(
      fc.property(anyViewer, anyViewer, (a, b) => {
        const same = a.role === b.role && partnerOf(a) === partnerOf(b);
        expect(scopeOf(a) === scopeOf(b)).toBe(same);
      }),
    );
  });
});

// -- Which reads of orders depend on the clock

describe('the page of orders', () => {
  const MIDNIGHT = Date.parse('2025-07-24T22:00Z');
  const orders = [orderOf({ number: 'next', createdAt: MIDNIGHT }), orderOf({ number: 'last', createdAt: MIDNIGHT - 1 })];

  /** Reads as a plant in Berlin does, by whole answers where that can be. */
  function plantAt(start: number) {
    const now = { at: start };
    const known = new Map<string, readonly Order[]>();
    const valueOf = (list: OrderList) => {
      const { from, to } = listRange(list);
      const value = known.get(`${from}/${to}`) ?? createdIn(orders, { from, to });
      known.set(`${from}/${to}`, value);
      return value;
    };
    const caches = {
      lists: cacheOf(valueOf).cache,
      orders: cacheOf((_id: string): Order | null => null).cache,
      files: cacheOf((_path: string): CachedFile | null => null).cache,
      ownOrders: cacheOf((_claim: Claim) => false).cache,
      ownFiles: cacheOf((_claim: Claim) => false).cache,
    };
    const parts = { calendar: new PlantCalendar('Europe/Berlin'), levels: levelsOf(() => 60), clock: () => now.at };
    const ready = new ReadyAnswers<Loaders>(MIB, parts.clock);
    const read = async (request: OrderArguments) => {
      const loaders = createLoaders(caches, new OperationTrace());
      const question = { ...QUESTION, variables: JSON.stringify(request) };
      const text = await ready.find(question, loaders);
      if (text !== undefined) return { numbers: text, ready: true };
      const recording = new Recording(loaders);
      const reads = new OrderReads({ role: 'operator', subject: 'ada' }, recorded(recording), parts, recording);
      const numbers = (await reads.page(request)).orders.map(({ number }) => number).join();
      await ready.keep(question, recording, numbers);
      return { numbers, ready: false };
    };
    return { now, read, caches };
  }

  test('of today is given again until midnight in the plant, and not yesterday', async () => {
    const { now, read } = plantAt(MIDNIGHT - 10);
    expect(await read({})).toEqual({ numbers: 'last', ready: false });
    now.at = MIDNIGHT - 1;
    expect(await read({})).toEqual({ numbers: 'last', ready: true });
    now.at = MIDNIGHT;
    expect(await read({})).toEqual({ numbers: 'next', ready: false });
    expect(await read({})).toEqual({ numbers: 'next', ready: true });
    now.at = MIDNIGHT - 1;
    expect(await read({})).toEqual({ numbers: 'last', ready: false });
  });

  test('leaves nothing of its request behind', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const { caches } = plantAt(MIDNIGHT);
    const ready = new ReadyAnswers<Loaders>(MIB, () => 0);
    const ask = async (): Promise<WeakRef<object>> => {
      const loaders = createLoaders(caches, new OperationTrace());
      const recording = new Recording(loaders);
      const noting = recorded(recording);
      await noting.lists.load({ kind: 'tile', tile: { from: MIDNIGHT, minutes: 60 } });
      await Promise.all([noting.orders.load('id'), noting.files.load('path')]);
      await Promise.all([noting.ownOrders, noting.ownFiles].map((own) => own.load({ partnerId: 'partner-a', of: 'it' })));
      await ready.keep(QUESTION, recording, 'text');
      expect(await ready.find(QUESTION, loaders)).toBe('text');
      return new WeakRef(loaders);
    };
    const left = await ask();
    await new Promise(setImmediate);
    collect();
    expect(ready.size).toBeGreaterThan(0);
    expect(left.deref()).toBeUndefined();
  });

  test('of a window that is named is given again on any day', async () => {
    const { now, read } = plantAt(MIDNIGHT);
    const request = { createdBy: MIDNIGHT - 60_000, window: 1 };
    expect(await read(request)).toEqual({ numbers: 'last', ready: false });
    now.at += 3 * DAY;
    expect(await read(request)).toEqual({ numbers: 'last', ready: true });
  });

  test('of the last minutes is made anew each time', async () => {
    const { now, read } = plantAt(MIDNIGHT - 1);
    expect(await read({ window: 1 })).toEqual({ numbers: 'next,last', ready: false });
    expect(await read({ window: 1 })).toEqual({ numbers: 'next,last', ready: false });
    now.at += MINUTE;
    expect(await read({ window: 1 })).toEqual({ numbers: 'next,last', ready: false });
    now.at += 1;
    expect(await read({ window: 1 })).toEqual({ numbers: 'next', ready: false });
  });
});
