import { createMemoryStore } from '../src/cache/keyv-store.js';
import { createRedisStore } from '../src/cache/redis-store.js';
import { MIB } from '../src/units.js';
import { storeConformance } from './conformance/store.js';
import { openRedisStore } from './support/open-store.js';
import { describeWith, sharedRedis } from './support/servers/shared.js';
import { startRedisCluster, type RedisCluster } from './support/servers/redis-cluster.js';

storeConformance('Keyv in memory', () => Promise.resolve(createMemoryStore(16 * MIB)));

describeWith('redis')('Redis', () => {
  storeConformance('Keyv on Redis', () => openRedisStore([sharedRedis().url]));

  describe('cluster', () => {
    let cluster: RedisCluster;
    beforeAll(async () => {
      cluster = await startRedisCluster();
    });
    afterAll(() => cluster.stop());
    storeConformance('Keyv on a Redis Cluster', () => openRedisStore(cluster.urls));
  });

  test('what is not JSON, from a stranger, is no value and hides no other', async () => {
    const { url } = sharedRedis();
    const store = await openRedisStore([url]);
    const { createClient } = await import('@redis/client');
    const stranger = await createClient({ url }).connect();
    await stranger.set('stranger:key', 'not JSON');
    await store.setMany([{ key: 'stranger:ours', value: 1, ttl: 10_000 }]);
    expect(await store.getMany(['stranger:key', 'stranger:ours'])).toMatchObject({ kind: 'read', values: [undefined, 1] });
    stranger.destroy();
    await store.close();
  });
});

test('without a server every request is unavailable at once, and never a miss', async () => {
  const store = createRedisStore(['redis://127.0.0.1:1'], () => undefined);
  expect(await store.getMany(['any'])).toMatchObject({ kind: 'unavailable' });
  expect(await store.setMany([{ key: 'any', value: 1, ttl: 1 }])).toMatchObject({ kind: 'unavailable' });
  await store.close();
});

test('the memory store holds no more than its bound', async () => {
  const store = createMemoryStore(MIB);
  const value = 'x'.repeat(10_000);
  for (let index = 0; index < 500; index += 1) await store.setMany([{ key: `big:${index}`, value, ttl: 60_000 }]);
  const read = await store.getMany(Array.from({ length: 500 }, (_, index) => `big:${index}`));
  const kept = read.kind === 'read' ? read.values.filter((each) => each !== undefined).length : 0;
  expect(kept).toBeGreaterThan(50);
  expect(kept * value.length).toBeLessThanOrEqual(MIB);
});
