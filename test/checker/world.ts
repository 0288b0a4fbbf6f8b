import { pick, seededRandom, type Random } from '../../src/embedded/random.js';
import { freshPlant, type Plant } from '../support/plant.js';
import { tokenFor } from '../support/tokens.js';
import { startPostgres, type PostgresServer } from '../support/servers/postgres.js';
import { migrate } from '../../src/sources/migrations/migrate.js';
import { startRedis, type RedisServer } from '../support/servers/redis.js';
import { Book } from './book.js';
import { closeConnections } from './http-client.js';
import { Instance } from './instance.js';
import type { CheckOptions } from './options.js';
import { Report } from './report.js';

/** All that a check runs on. */
export interface World {
  readonly options: CheckOptions;
  readonly report: Report;
  readonly redis: RedisServer;
  readonly plant: Plant;
  readonly book: Book;
  readonly instances: readonly Instance[];
  /** Of an operator. */
  readonly token: string;
  /** Faults that go on now. */
  readonly faults: Set<string>;
  /** Aborted when the check is over. */
  readonly over: AbortSignal;
}

/** A repeatable sequence of its own for each part of a check. */
export function randomFor(options: CheckOptions, part: string): Random {
  return seededRandom(`${options.seed}/${part}`);
}

/** A gateway that runs, if there is one. */
export function pickUp({ instances }: World, random: Random): Instance | undefined {
  const up = instances.filter(({ isUp }) => isUp);
  return up.length > 0 ? pick(random, up) : undefined;
}

/** Starts servers and gateways. `close` ends all of them, also after a start that failed half-way. */
export async function openWorld(options: CheckOptions, over: AbortSignal, closing: (() => Promise<void>)[]): Promise<World> {
  const report = new Report();
  const redis: RedisServer = await startRedis();
  closing.push(() => redis.stop());
  const postgres: PostgresServer = await startPostgres();
  closing.push(() => postgres.stop());
  const plant = await freshPlant({ server: postgres.url });
  await migrate({ url: plant.url, log: () => undefined });
  const book = new Book(plant, randomFor(options, 'orders'));
  await book.open();
  const parts = {
    databaseUrl: plant.url,
    redisUrl: redis.url,
    random: randomFor(options, 'clocks'),
    bug: options.bug,
    onSkew: () => report.fault('clock-skewed'),
    onSwitch: () => report.fault('levels-switched'),
  };
  closing.push(() => Promise.resolve(closeConnections()));
  const instances: Instance[] = [];
  for (let index = 0; index < options.gateways; index += 1) {
    const instance = await Instance.start(index, parts);
    closing.push(() => instance.stop());
    instances.push(instance);
  }
  const token = await tokenFor({ role: 'operator' }, { expiresIn: 24 * 3_600_000 });
  return { options, report, redis, plant, book, instances, token, faults: new Set(), over };
}
