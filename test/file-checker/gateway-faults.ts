import { between, pick, type Random } from '../../src/embedded/random.js';
import { MIB } from '../../src/units.js';
import { rest } from '../checker/rest.js';
import { FILE_MAX, LONGEST_STOP, STORE_DEADLINE } from './bounds.js';
import { currentOf } from './history.js';
import type { Acts } from './lane.js';
import { read } from './reader.js';
import type { Settler, World } from './world.js';
import { replace } from './writer.js';

/** What happens to single gateways. Another process takes the place of one that has ended. */
export function gatewayFaults(world: World, settler: Settler, random: Random): Acts {
  const { instances, files, report, over } = world;

  return {
    'gateway-killed': async () => {
      const instance = pick(random, instances);
      await instance.kill();
      await instance.revive();
      return true;
    },

    /** It dies while the bytes of a file that nobody has read before arrive slowly. */
    'gateway-killed-in-a-fill': async () => {
      const instance = pick(random, instances);
      const sizeOf = (file: (typeof files)[number]): number => currentOf(file)?.size ?? 0;
      const free = files.filter((file) => !file.busy && sizeOf(file) >= MIB && sizeOf(file) < FILE_MAX);
      if (free.length === 0) return false;
      const file = pick(random, free);
      await replace({ world, settler, instance, file, random }, 'fileChanged', sizeOf(file));
      if (instance.origin) instance.origin.pause = 20;
      let kill: Promise<void> | undefined;
      const wish = { kind: 'whole', method: 'GET', headers: {}, pause: 5 } as const;
      const response = await read(world, instance, file, wish, (count) => {
        if (count > between(random, 0, sizeOf(file) / 2)) kill ??= instance.kill();
      });
      if (instance.origin) instance.origin.pause = 0;
      await (kill ?? instance.kill());
      await instance.revive();
      return response.body.length > 0 && !response.isWhole;
    },

    'gateway-ended': async () => {
      const instance = pick(random, instances);
      const code = await instance.terminate();
      if (code !== 0)
        report.violation(`VIOLATION: ${instance.name} must end with 0 after SIGTERM, but did with: ${code ?? 'a signal'}`);
      await instance.revive();
      return true;
    },

    'gateway-stopped': async () => {
      const instance = pick(random, instances);
      await instance.whileStopped(() => rest(between(random, 500, LONGEST_STOP), over));
      return true;
    },
  };
}

/** What happens to the Redis that all gateways share, and on the way to it. */
export function redisFaults({ redis, instances, over }: World, random: Random): Acts {
  return {
    'redis-frozen': async () => {
      const began = performance.now();
      redis.freeze();
      await rest(between(random, 2 * STORE_DEADLINE, 2_500), over);
      redis.thaw();
      const now = performance.now();
      return instances.some(({ breaker, down, stopped }) => {
        return !down.touches(began, now) && !stopped.touches(began, now) && !breaker.closedSince(began);
      });
    },
    'redis-unreachable-for-one': async () => {
      const { way, breaker } = pick(random, instances);
      const began = performance.now();
      way.pause();
      await rest(between(random, 2 * STORE_DEADLINE, 2_500), over);
      if (random() < 0.5) way.dropAll();
      way.resume();
      return !breaker.closedSince(began);
    },
    'redis-killed': async () => {
      await redis.kill();
      await rest(between(random, 0, 2_000), over);
      await redis.restart();
      return true;
    },
    'redis-flushed': async () => (await redis.cli('FLUSHALL')) === 'OK',
  };
}
