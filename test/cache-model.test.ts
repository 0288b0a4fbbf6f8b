import { systemTime } from '../src/time.js';
import { MINUTE } from '../src/units.js';
import type { Store } from '../src/cache/store.js';
import { calm, holds, inMemory, ONE_KEY, onServer, world } from './support/model-worlds.js';
import { openRedisStore } from './support/open-store.js';
import { describeWith, sharedRedis } from './support/servers/shared.js';

/** Random plays take long on a busy machine. */
const PATIENCE = 2 * MINUTE;

describe('no read is older than what was acknowledged before it, whatever the schedule and the clocks', () => {
  test(
    'two instances on one store; requests lost and delayed, tokens evicted, entries expired and refreshed',
    () => holds(inMemory),
    PATIENCE,
  );

  test('the same with fill locks, on a store that comes back with older data after a restart', () => holds(onServer()), PATIENCE);

  test(
    'one key that is refreshed all the time, by processes that wait for each other',
    () => holds(calm(onServer()), ONE_KEY),
    PATIENCE,
  );
});

describeWith('redis')('on a real Redis', () => {
  test(
    'the same guarantee, in real time',
    async () => {
      const store = await openRedisStore([sharedRedis().url]);
      let run = 0;
      await holds(
        (chance) => {
          run += 1;
          return world({ ...chance, ttl: 200 }, prefixed(store, `model:${process.pid}:${run}:`), { time: systemTime });
        },
        { numRuns: 100 },
      );
      await store.close();
    },
    PATIENCE,
  );
});

function prefixed(store: Store, prefix: string): Store {
  return {
    getMany: (keys) => store.getMany(keys.map((each) => prefix + each)),
    setMany: (entries) => store.setMany(entries.map((entry) => ({ ...entry, key: prefix + entry.key }))),
    claim: (claims, owner, ttl) =>
      store.claim(
        claims.map((claim) => ({ ...claim, tokenKey: prefix + claim.tokenKey, lockKey: prefix + claim.lockKey })),
        owner,
        ttl,
      ),
    hold: (lockKeys, owner, ttl) =>
      store.hold(
        lockKeys.map((each) => prefix + each),
        owner,
        ttl,
      ),
    close: () => store.close(),
  };
}
