import { between, type Random } from '../../src/embedded/random.js';
import { STORE_DEADLINE } from './bounds.js';
import type { Act } from './lane.js';
import { during } from './network-faults.js';
import { rest } from './rest.js';
import type { World } from './world.js';

/** Deletes about a share of the keys that match; every call by other numbers. */
const DELETE_SOME = `
math.randomseed(tonumber(ARGV[3]))
local deleted = 0
for _, key in ipairs(redis.call('KEYS', ARGV[1])) do
  if math.random() < tonumber(ARGV[2]) then deleted = deleted + redis.call('DEL', key) end
end
return deleted`;

/** Set before a snapshot and deleted after it. */
const MARK = 'checker:mark';

/** What happens to the Redis that all gateways share. */
export function redisFaults(world: World, random: Random) {
  const { redis, instances, over } = world;

  const trouble = (work: () => Promise<boolean>): Promise<boolean> =>
    during(
      instances.map(({ storeTrouble }) => storeTrouble),
      work,
    );
  /** Some rounds, so that keys are missing again and again while others read them. */
  const deleteSome = (pattern: string): Act => {
    return async () => {
      let deleted = 0;
      for (let round = 0; round < 5; round += 1) {
        const words = [pattern, String(random() * 0.9), String(between(random, 1, 1e9))];
        deleted += Number(await redis.cli('EVAL', DELETE_SOME, '0', ...words));
        await rest(between(random, 10, 200), over);
      }
      return deleted > 0;
    };
  };

  return {
    'redis-frozen': () =>
      trouble(async () => {
        const began = performance.now();
        redis.freeze();
        await rest(between(random, 2 * STORE_DEADLINE, 2_500), over);
        redis.thaw();
        return instances.every(({ breaker, down, stopped }) => {
          const now = performance.now();
          return down.touches(began, now) || stopped.touches(began, now) || !breaker.closedSince(began);
        });
      }),
    'redis-killed': () =>
      trouble(async () => {
        await redis.kill();
        await rest(between(random, 0, 2_000), over);
        await redis.restart();
        return true;
      }),
    /** It comes back with what it held a while before. */
    'redis-restored': () =>
      trouble(async () => {
        const mark = String(between(random, 1, 1e9));
        await redis.cli('SET', MARK, mark);
        await redis.cli('SAVE');
        await redis.cli('DEL', MARK);
        await rest(between(random, 400, 1_500), over);
        await redis.restart();
        return (await redis.cli('GET', MARK)) === mark;
      }),
    'redis-flushed': async () => (await redis.cli('FLUSHALL')) === 'OK',
    'tokens-deleted': deleteSome('token:*'),
    'values-deleted': deleteSome('orders:*'),
  } satisfies Record<string, Act>;
}
