import { randomUUID } from 'node:crypto';
import { createClient } from '@redis/client';
import { lockKeyOf } from '../src/cache/fill-lock.js';
import { OperationTrace } from '../src/cache/operation-trace.js';
import { createRedisStore } from '../src/cache/redis-store.js';
import type { Store } from '../src/cache/store.js';
import { systemTime, type Time } from '../src/time.js';
import { MINUTE, SECOND, type Milliseconds } from '../src/units.js';
import { Instance, VersionedSource } from './support/cache-world.js';
import { FakeTime } from './support/fake-time.js';
import { Gates } from './support/gates.js';
import { openRedisStore } from './support/open-store.js';
import { until } from './support/race.js';
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

  /** An instance with a connection of its own, and steps of its own to stop at. */
  async function member(source: VersionedSource, time: Time = systemTime, fillLock = SECOND) {
    const gates = new Gates();
    return { gates, instance: new Instance(source, await connect(), gates.pause, time, { fillLock }) };
  }

  async function three() {
    const source = new VersionedSource();
    const members = [await member(source), await member(source), await member(source)] as const;
    return { source, key: randomUUID(), members };
  }

  async function two(time?: Time, fillLock?: Milliseconds) {
    const source = new VersionedSource();
    const key = randomUUID();
    const [a, b] = [await member(source, time, fillLock), await member(source, systemTime, fillLock)];
    return { source, key, lockKey: lockKeyOf(`token:${key}`), a, b };
  }

  /** Reads, and gets to the moment where it waits for somebody else's fill. */
  async function waitingRead({ instance }: { instance: Instance }, key: string) {
    const trace = new OperationTrace();
    const answers = instance.cache.readMany([key], trace);
    await until('the reader waits', () => trace.summary().storeRoundTrips > 3);
    return { answers };
  }

  test('300 readers of a cold key on three instances cause one statement', async () => {
    const { source, key, members } = await three();
    const readers = members.flatMap(({ instance }) => Array.from({ length: 100 }, () => instance.read([key])));
    expect(new Set((await Promise.all(readers)).flat())).toEqual(new Set([0]));
    expect(source.statements).toBe(1);
  });

  test('again after an invalidation, with entries in every memory', async () => {
    const { source, key, members } = await three();
    for (const { instance } of members) await instance.read([key]);
    await members[0].instance.change(key);
    const before = source.statements;
    const readers = members.flatMap(({ instance }) => Array.from({ length: 50 }, () => instance.read([key])));
    expect(new Set((await Promise.all(readers)).flat())).toEqual(new Set([1]));
    expect(source.statements - before).toBe(1);
  });

  test('a load that takes longer than the lock keeps it', async () => {
    const time = new FakeTime(Date.now());
    const { source, key, lockKey, a, b } = await two(time, MINUTE);
    const rows = a.gates.hold('rows on their way');
    const first = a.instance.read([key]);
    await rows.reached;
    const second = await waitingRead(b, key);
    await withRedis(async (redis) => {
      for (const beat of [1, 2, 3, 4]) {
        await redis.pExpire(lockKey, MINUTE / 2);
        time.advance(MINUTE / 3);
        await until(`extension ${beat}`, async () => (await redis.pTTL(lockKey)) > MINUTE / 2);
      }
    });
    expect(source.statements).toBe(1);
    rows.release();
    expect(await first).toEqual([0]);
    expect((await second.answers).map(({ outcome }) => outcome)).toEqual(['awaited']);
    expect(source.statements).toBe(1);
  });

  test('a holder that stalls delays others until its lock expires, not longer', async () => {
    const { source, key, lockKey, a, b } = await two();
    // A process that was stopped: it holds the lock and neither loads nor extends it.
    await stores[0]?.claim([{ tokenKey: `token:${key}`, lockKey, nonce: 'n1' }], 'stalled', MINUTE);
    const waiting = await waitingRead(b, key);
    expect(source.statements).toBe(0);
    await withRedis(async (redis) => {
      expect(await redis.pTTL(lockKey)).toBeGreaterThan(0);
      await redis.pExpire(lockKey, 1);
    });
    expect(await waiting.answers).toMatchObject([{ value: 0, outcome: 'filled' }]);
    await b.instance.cache.flush();
    expect(await a.instance.read([key])).toEqual([0]);
    expect(source.statements).toBe(1);
  });

  test('a holder whose load failed lets the next one try at once', async () => {
    const { source, key, a, b } = await two();
    const { read } = source;
    let failures = 1;
    source.read = (keys) => {
      if (failures > 0) {
        failures -= 1;
        throw new Error('no answer');
      }
      return read.call(source, keys);
    };
    const rows = a.gates.hold('statement on its way');
    const failing = a.instance.read([key]);
    await rows.reached;
    const waiting = b.instance.read([key]);
    rows.release();
    await expect(failing).rejects.toThrow('no answer');
    expect(await waiting).toEqual([0]);
  });

  test('an invalidation takes the lock from a fill under way: the next reader does not wait for it', async () => {
    const { source, key, a, b } = await two();
    const rows = a.gates.hold('rows on their way');
    const early = a.instance.read([key]);
    await rows.reached;
    await b.instance.change(key);
    expect(await b.instance.read([key])).toEqual([1]);
    rows.release();
    expect(await early).toEqual([0]);
    // The late fill has overwritten the new entry with one that nobody accepts, which costs this reader a load.
    expect(await a.instance.read([key])).toEqual([1]);
    expect(source.statements).toBeLessThanOrEqual(3);
  });

  test('and one that waits already stops waiting', async () => {
    const { source, key, a, b } = await two();
    const rows = a.gates.hold('rows on their way');
    const early = a.instance.read([key]);
    await rows.reached;
    const waiting = await waitingRead(b, key);
    await a.instance.change(key);
    // While the old load is still under way.
    expect((await waiting.answers).map(({ value, outcome }) => [value, outcome])).toEqual([[1, 'filled']]);
    expect(source.statements).toBe(2);
    rows.release();
    await early;
  });

  test('a refresh that waits for another process does not hand out what is invalidated meanwhile', async () => {
    const source = new VersionedSource();
    const [key, gates, store, other] = [randomUUID(), new Gates(), await connect(), await connect()];
    // Every hit is due for a refresh: loads take a while, entries live shortly, and chance wants it.
    const hasty = { random: () => 1 - Number.EPSILON, ttl: 2_000 };
    const clock = { now: Date.now() };
    const instance = new Instance(source, store, gates.pause, { ...systemTime, now: () => clock.now }, hasty);
    const rows = gates.hold('rows on their way');
    const first = instance.read([key]);
    await rows.reached;
    clock.now += 100;
    rows.release();
    await first;
    await instance.cache.flush();
    const lock = { tokenKey: `token:${key}`, lockKey: `{token:${key}}:lock`, nonce: 'unused' };
    while (!JSON.stringify(await other.claim([lock], 'other', 5_000)).includes('"locked":true'));
    expect(await instance.read([key])).toEqual([0]);
    await until('a refresh is under way', () => instance.cache.inFlight === 1);
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

const openRedis = () => createClient({ url: sharedRedis().url }).connect();

async function withRedis(use: (redis: Awaited<ReturnType<typeof openRedis>>) => Promise<void>): Promise<void> {
  const redis = await openRedis();
  try {
    await use(redis);
  } finally {
    redis.destroy();
  }
}
