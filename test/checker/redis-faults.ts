import { between, type Random } from '../../src/embedded/random.js';
import type { Act } from './lane.js';
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

/** What happens to the Redis that all gateways share. */
export function redisFaults(world: World, random: Random) {
  const { redis, instances, over } = world;

  const trouble = async (work: () => Promise<void>): Promise<boolean> => {
    for (const { storeTrouble } of instances) storeTrouble.begin();
    try {
      await work();
    } finally {
      for (const { storeTrouble } of instances) storeTrouble.end();
    }
    return true;
  };
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
        redis.freeze();
        await rest(between(random, 100, 2_500), over);
        redis.thaw();
      }),
    'redis-killed': () =>
      trouble(async () => {
        await redis.kill();
        await rest(between(random, 0, 2_000), over);
        await redis.restart();
      }),
    /** It comes back with what it held a while before. */
    'redis-restored': () =>
      trouble(async () => {
        await redis.cli('SAVE');
        await rest(between(random, 400, 1_500), over);
        await redis.restart();
      }),
    'redis-flushed': async () => (await redis.cli('FLUSHALL')) === 'OK',
    'tokens-deleted': deleteSome('token:*'),
    'values-deleted': deleteSome('orders:*'),
  } satisfies Record<string, Act>;
}
