import { ReadThrough } from '../../src/cache/read-through.js';
import { createRedisStore } from '../../src/cache/redis-store.js';
import { pick, seededRandom } from '../../src/embedded/random.js';
import { orderLists } from '../../src/loaders/order-lists.js';
import { listSource } from '../../test/support/orders.js';
import type { Prices } from '../../src/orders/level-cost.js';
import type { Line } from '../../src/orders/level-regression.js';
import type { OrderList } from '../../src/orders/lists.js';
import { MesDatabase } from '../../src/sources/mes-database.js';
import { HOUR, SECOND, type Milliseconds } from '../../src/units.js';
import { systemTime } from '../../src/time.js';
import { cacheParts } from '../../test/support/cache-parts.js';
import { SILENT as NOBODY } from '../../test/support/cache-world.js';
import { startRedis } from '../../test/support/servers/redis.js';
import { median } from '../support/numbers.js';
import { startPlant } from '../support/plant.js';

const WARM_UP = 100;
const SAMPLES = 500;

/** What a statement, a row and a look-up cost with a Postgres and a Redis on this machine. */
export async function measurePrices(): Promise<Prices> {
  const [{ postgres, seed, plan }, redis] = await Promise.all([startPlant(), startRedis()]);
  const random = seededRandom('measure');
  const database = new MesDatabase({ url: seed, poolMax: 2, timeout: 10 * SECOND });
  const store = createRedisStore([redis.url], () => undefined);
  const ttls = { ttl: HOUR, freshTtl: HOUR };
  const source = listSource(() => Promise.resolve([]));
  const entity = orderLists(source, { ttls, readWholeAfter: 0, clock: systemTime.now });
  const lists = new ReadThrough(entity, cacheParts(store, systemTime));
  try {
    const loads = await lineOf([1, 48], async (hours) => {
      const from = pick(random, plan.week);
      return (await database.ordersCreatedIn([{ from, to: from + hours * HOUR }])).length;
    });
    const tiles = Array.from({ length: 401 }, (_, index): OrderList => ({
      kind: 'tile',
      tile: { from: index * HOUR, minutes: 60 },
    }));
    const lookups = await lineOf([1, tiles.length], async (count) => {
      const answers = await lists.readMany(tiles.slice(0, count), NOBODY);
      return answers.length;
    });
    return { statement: loads.fixed, row: loads.slope, lookup: lookups.slope };
  } finally {
    await Promise.all([database.close(), store.close()]);
    await Promise.all([redis.stop(), postgres.stop()]);
  }
}

/** The line through the medians of two sizes; `work` answers the size that it really had. */
async function lineOf(sizes: readonly [number, number], work: (size: number) => Promise<number>): Promise<Line> {
  const points: { size: number; time: Milliseconds }[] = [];
  for (const wanted of sizes) {
    const samples: { size: number; time: Milliseconds }[] = [];
    for (let count = 0; count < WARM_UP + SAMPLES; count += 1) {
      const start = performance.now();
      const size = await work(wanted);
      if (count >= WARM_UP) samples.push({ size, time: performance.now() - start });
    }
    points.push({ size: median(samples.map(({ size }) => size)), time: median(samples.map(({ time }) => time)) });
  }
  const [small, large] = points as [(typeof points)[0], (typeof points)[0]];
  const slope = (large.time - small.time) / (large.size - small.size);
  return { fixed: small.time - slope * small.size, slope };
}
