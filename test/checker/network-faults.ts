import { between, pick, type Random } from '../../src/embedded/random.js';
import type { Milliseconds } from '../../src/units.js';
import { STORE_DEADLINE } from './bounds.js';
import type { Proxy } from '../support/proxy.js';
import type { Instance } from './instance.js';
import type { Act } from './lane.js';
import { rest } from './rest.js';
import type { Spans } from './spans.js';
import type { World } from './world.js';

const DROP_EVERY: Milliseconds = 30;

/** Nothing passes for a time, and every connection is reset soon after it was opened. */
async function cut(proxy: Proxy, time: Milliseconds, over: AbortSignal): Promise<void> {
  proxy.pause();
  for (let passed = 0; passed < time; passed += DROP_EVERY) {
    proxy.dropAll();
    await rest(DROP_EVERY, over);
  }
  proxy.dropAll();
  proxy.resume();
}

/** Nothing passes for a time, and then all of it does. */
async function hold(proxy: Proxy, time: Milliseconds, over: AbortSignal): Promise<void> {
  proxy.pause();
  await rest(time, over);
  proxy.resume();
}

/** Answers what `work` does, after a time of trouble as long as that. */
export async function during(spans: readonly Spans[], work: () => Promise<boolean>): Promise<boolean> {
  for (const each of spans) each.begin();
  try {
    return await work();
  } finally {
    for (const each of spans) each.end();
  }
}

/** What happens between one gateway and Redis, while the others reach it. */
export function wayToRedisFaults({ instances, over }: World, random: Random) {
  const one = (work: (instance: Instance) => Promise<boolean>): Promise<boolean> => {
    const instance = pick(random, instances);
    return during([instance.storeTrouble], () => work(instance));
  };
  return {
    'redis-unreachable-for-one': () =>
      one(async ({ store, breaker }) => {
        const [way, time] = [random() < 0.5 ? cut : hold, between(random, 2 * STORE_DEADLINE, 2_500)];
        const began = performance.now();
        await way(store, time, over);
        return !breaker.closedSince(began);
      }),
    'redis-slow-for-one': () =>
      one(async (instance) => {
        instance.store.setDelay({ upstream: between(random, 0, 60), downstream: between(random, 10, 400) });
        await rest(between(random, 300, 2_000), over);
        instance.settleStore();
        return true;
      }),
  } satisfies Record<string, Act>;
}

/** What happens between gateways and the database. */
export function wayToDatabaseFaults({ instances, over }: World, random: Random) {
  /** One of them, or all. */
  const some = (work: (instance: Instance) => Promise<boolean>): Promise<boolean> => {
    const hit = random() < 0.5 ? [pick(random, instances)] : instances;
    return during(
      hit.map(({ databaseTrouble }) => databaseTrouble),
      async () => (await Promise.all(hit.map(work))).some(Boolean),
    );
  };
  return {
    'database-dropped': () =>
      some(async ({ database }) => {
        let dropped = 0;
        for (let round = 0; round < 3; round += 1) {
          dropped += database.connections;
          database.dropAll();
          await rest(100, over);
        }
        return dropped > 0;
      }),
    'database-slow': () => {
      const [delay, time] = [between(random, 30, 300), between(random, 500, 2_000)];
      return some(async (instance) => {
        instance.database.setDelay({ downstream: delay });
        await rest(time, over);
        instance.settleDatabase();
        return true;
      });
    },
    'database-away': () => {
      const [way, time] = [random() < 0.7 ? cut : hold, between(random, 1_000, 4_500)];
      return some(async ({ database }) => {
        await way(database, time, over);
        return true;
      });
    },
  } satisfies Record<string, Act>;
}
