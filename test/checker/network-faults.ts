import { between, pick, type Random } from '../../src/embedded/random.js';
import type { Milliseconds } from '../../src/units.js';
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

async function during(spans: readonly Spans[], work: () => Promise<unknown>): Promise<boolean> {
  for (const each of spans) each.begin();
  try {
    await work();
  } finally {
    for (const each of spans) each.end();
  }
  return true;
}

/** What happens between one gateway and Redis, while the others reach it. */
export function wayToRedisFaults({ instances, over }: World, random: Random) {
  const one = (work: (instance: Instance) => Promise<void>): Promise<boolean> => {
    const instance = pick(random, instances);
    return during([instance.storeTrouble], () => work(instance));
  };
  return {
    'redis-unreachable-for-one': () =>
      one(async ({ store }) => {
        const [way, time] = [random() < 0.5 ? cut : hold, between(random, 200, 2_500)];
        await way(store, time, over);
      }),
    'redis-slow-for-one': () =>
      one(async ({ store }) => {
        store.setDelay({ upstream: between(random, 0, 60), downstream: between(random, 10, 400) });
        await rest(between(random, 300, 2_000), over);
        store.delay(0);
      }),
  } satisfies Record<string, Act>;
}

/** What happens between gateways and the database. */
export function wayToDatabaseFaults({ instances, over }: World, random: Random) {
  /** One of them, or all. */
  const some = async (work: (instance: Instance) => Promise<void>): Promise<boolean> => {
    const hit = random() < 0.5 ? [pick(random, instances)] : instances;
    return during(
      hit.map(({ databaseTrouble }) => databaseTrouble),
      () => Promise.all(hit.map(work)),
    );
  };
  return {
    'database-dropped': () =>
      some(async ({ database }) => {
        for (let round = 0; round < 3; round += 1) {
          database.dropAll();
          await rest(100, over);
        }
      }),
    'database-slow': () => {
      const [delay, time] = [between(random, 30, 300), between(random, 500, 2_000)];
      return some(async (instance) => {
        instance.database.setDelay({ downstream: delay });
        await rest(time, over);
        instance.settleDatabase();
      });
    },
    'database-away': () => {
      const [way, time] = [random() < 0.7 ? cut : hold, between(random, 1_000, 4_500)];
      return some(({ database }) => way(database, time, over));
    },
  } satisfies Record<string, Act>;
}
