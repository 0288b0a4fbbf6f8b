import { randomUUID } from 'node:crypto';
import { OperationTrace } from '../src/cache/operation-trace.js';
import { createRedisStore } from '../src/cache/redis-store.js';
import type { Store } from '../src/cache/store.js';
import { systemTime } from '../src/time.js';
import { Instance, VersionedSource } from './support/cache-world.js';
import { Gates } from './support/gates.js';
import { openRedisStore } from './support/open-store.js';
import { describeWith, sharedRedis } from './support/servers/shared.js';

describeWith('redis')('fill lock across processes', () => {
  const stores: Store[] = [];
  const connect = async () => {
    const store = await openRedisStore([sharedRedis().url]);
    stores.push(store);
    return store;
  };
  afterEach(async () => {
    await Promise.all(stores.splice(0).map((store) => store.close()));
  });

  /** Instances with a connection of their own each, and steps of their own to stop at. */
  async function setUp(count: number) {
    const source = new VersionedSource();
    const key = randomUUID();
    const members = await Promise.all(
      Array.from({ length: count }, async () => {
        const gates = new Gates();
        return { gates, instance: new Instance(source, await connect(), gates.pause, systemTime) };
      }),
    );
    return { source, key, members };
  }

  test('300 readers of a cold key on three instances cause one statement', async () => {
    const { source, key, members } = await setUp(3);
    const readers = members.flatMap(({ instance }) => Array.from({ length: 100 }, () => instance.read([key])));
    expect(new Set((await Promise.all(readers)).flat())).toEqual(new Set([0]));
    expect(source.statements).toBe(1);
  });

  test('again after an invalidation, with entries in every memory', async () => {
    const { source, key, members } = await setUp(3);
    for (const { instance } of members) await instance.read([key]);
    await members[0]?.instance.change(key);
    const before = source.statements;
    const readers = members.flatMap(({ instance }) => Array.from({ length: 50 }, () => instance.read([key])));
    expect(new Set((await Promise.all(readers)).flat())).toEqual(new Set([1]));
    expect(source.statements - before).toBe(1);
  });

  test('a load that takes longer than the lock keeps it', async () => {
    const { source, key, members } = await setUp(2);
    const [a, b] = members;
    const rows = a?.gates.hold('rows on their way');
    const first = a?.instance.read([key]);
    await rows?.reached;
    const trace = new OperationTrace();
    const second = b?.instance.cache.readMany([key], trace);
    const started = Date.now();
    while (Date.now() - started < 1_800) await new Promise((resolve) => setTimeout(resolve, 50));
    expect(source.statements).toBe(1);
    rows?.release();
    expect(await first).toEqual([0]);
    expect((await second)?.map(({ outcome }) => outcome)).toEqual(['awaited']);
    expect(source.statements).toBe(1);
  });

  test('a holder that stalls delays others by about the lock, not longer', async () => {
    const { source, key, members } = await setUp(2);
    const [a, b] = members;
    // A process that was stopped: it holds the lock and neither loads nor extends it.
    await stores[0]?.claim([{ tokenKey: `token:${key}`, lockKey: `{token:${key}}:lock`, nonce: 'n1' }], 'stalled', 1_000);
    const started = Date.now();
    expect(await b?.instance.read([key])).toEqual([0]);
    expect(Date.now() - started).toBeGreaterThan(500);
    expect(Date.now() - started).toBeLessThan(10_000);
    expect(await a?.instance.read([key])).toEqual([0]);
    expect(source.statements).toBe(1);
  });

  test('a holder whose load failed lets the next one try at once', async () => {
    const { source, key, members } = await setUp(2);
    const [a, b] = members;
    const { read } = source;
    let failures = 1;
    source.read = (keys) => {
      if (failures > 0) {
        failures -= 1;
        throw new Error('no answer');
      }
      return read.call(source, keys);
    };
    const rows = a?.gates.hold('statement on its way');
    const failing = a?.instance.read([key]);
    await rows?.reached;
    const waiting = b?.instance.read([key]);
    rows?.release();
    await expect(failing).rejects.toThrow('no answer');
    expect(await waiting).toEqual([0]);
  });

  test('an invalidation takes the lock from a fill under way: the next reader does not wait for it', async () => {
    const { source, key, members } = await setUp(2);
    const [a, b] = members;
    const rows = a?.gates.hold('rows on their way');
    const early = a?.instance.read([key]);
    await rows?.reached;
    await b?.instance.change(key);
    expect(await b?.instance.read([key])).toEqual([1]);
    rows?.release();
    expect(await early).toEqual([0]);
    // The late fill has overwritten the new entry with one that nobody accepts, which costs this reader a load.
    expect(await a?.instance.read([key])).toEqual([1]);
    expect(source.statements).toBeLessThanOrEqual(3);
  });

  test('and one that waits already stops waiting', async () => {
    const { source, key, members } = await setUp(2);
    const [a, b] = members;
    const rows = a?.gates.hold('rows on their way');
    const early = a?.instance.read([key]);
    await rows?.reached;
    const trace = new OperationTrace();
    const waiting = b?.instance.cache.readMany([key], trace);
    await until(() => trace.summary().storeRoundTrips > 3);
    await a?.instance.change(key);
    // While the old load is still under way.
    expect((await waiting)?.map(({ value, outcome }) => [value, outcome])).toEqual([[1, 'filled']]);
    expect(source.statements).toBe(2);
    rows?.release();
    await early;
  });

  test('a refresh that waits for another process does not hand out what is invalidated meanwhile', async () => {
    const source = new VersionedSource();
    const [key, gates, store, other] = [randomUUID(), new Gates(), await connect(), await connect()];
    // Every hit is due for a refresh: loads take a while, entries live shortly, and chance wants it.
    const hasty = { random: () => 1 - Number.EPSILON, ttl: 2_000 };
    const instance = new Instance(source, store, gates.pause, systemTime, hasty);
    const rows = gates.hold('rows on their way');
    const first = instance.read([key]);
    await rows.reached;
    await new Promise((resolve) => setTimeout(resolve, 100));
    rows.release();
    await first;
    await instance.cache.flush();
    const lock = { tokenKey: `token:${key}`, lockKey: `{token:${key}}:lock`, nonce: 'unused' };
    while (!JSON.stringify(await other.claim([lock], 'other', 5_000)).includes('"locked":true'));
    expect(await instance.read([key])).toEqual([0]);
    await until(() => instance.cache.inFlight === 1);
    await instance.change(key);
    expect(await instance.read([key])).toEqual([1]);
    await other.hold([lock.lockKey], 'other', 0);
  });

  test('nobody lets go of a lock that is another’s', async () => {
    const store = await connect();
    const claim = { tokenKey: `token:{${randomUUID()}}`, lockKey: '', nonce: 'n1' };
    const lockKey = `${claim.tokenKey}:lock`;
    const claims = [{ ...claim, lockKey }];
    expect(await store.claim(claims, 'first', 5_000)).toMatchObject({ results: [{ nonce: 'n1', locked: true }] });
    await store.hold([lockKey], 'second', 0);
    expect(await store.claim(claims, 'second', 5_000)).toMatchObject({ results: [{ nonce: 'n1', locked: false }] });
    await store.hold([lockKey], 'first', 0);
    expect(await store.claim(claims, 'second', 5_000)).toMatchObject({ results: [{ nonce: 'n1', locked: true }] });
  });

  test('without a connection a claim is unavailable', async () => {
    const store = createRedisStore(['redis://127.0.0.1:1'], () => undefined);
    expect(await store.claim([{ tokenKey: 't', lockKey: 'l', nonce: 'n' }], 'me', 1_000)).toMatchObject({ kind: 'unavailable' });
    await store.hold(['l'], 'me', 0);
    await store.close();
  });
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}
