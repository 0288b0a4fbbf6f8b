import { randomUuid, seededRandom, type Random } from '../../../src/embedded/random.js';
import { migrate } from '../../../src/sources/migrations/migrate.js';
import { HOUR, SECOND, type Milliseconds } from '../../../src/units.js';
import { freshPlant, type Plant } from '../../support/plant.js';
import { startPostgres } from '../../support/servers/postgres.js';
import { startRedis } from '../../support/servers/redis.js';
import { tokenFor } from '../../support/tokens.js';
import { closeConnections } from '../http-client.js';
import { preload } from '../instance.js';
import type { FeedCheckOptions } from './options.js';
import { Place } from './place.js';
import { FeedReport } from './report.js';
import { newSubject, type Subject } from './subject.js';

/** A change must be seen by reads that begin so long after its commit, also when a leader has just been killed. */
export const VISIBLE_BOUND: Milliseconds = 10 * SECOND;
/** What is not seen by then is taken for missed. */
export const MISSED_AFTER: Milliseconds = 30 * SECOND;

const GATEWAYS = 3;
const FIRST = Date.parse('2025-03-03T00:00Z');
const ORDERS_PER_HOUR = 100;

/** All that a check of the feed runs on. */
export interface FeedWorld {
  readonly options: FeedCheckOptions;
  readonly report: FeedReport;
  readonly plant: Plant;
  readonly places: readonly Place[];
  readonly subjects: readonly Subject[];
  /** The hours in which they were created. */
  readonly hours: readonly number[];
  readonly token: string;
  /** Aborted when nothing more is to be written. */
  readonly written: AbortSignal;
}

export function randomFor({ seed }: FeedCheckOptions, part: string): Random {
  return seededRandom(`${seed}/${part}`);
}

/** Entries live so long that nothing but the feed can end them. */
const LONG_LIVES = {
  ORDER_TTL_SECONDS: '3600',
  ORDER_FRESH_TTL_SECONDS: '3600',
  ORDER_READ_WHOLE_SECONDS: '86400',
};

export async function openWorld(
  options: FeedCheckOptions,
  written: AbortSignal,
  closing: (() => Promise<void>)[],
): Promise<FeedWorld> {
  const redis = await startRedis();
  closing.push(() => redis.stop());
  const postgres = await startPostgres();
  closing.push(() => postgres.stop());
  const plant = await freshPlant({ server: postgres.url });
  if (options.feed === 'outbox') await migrate({ url: plant.url, log: () => undefined });
  else await plant.query('create index on orders (updated_at)');
  const subjects = await insertSubjects(plant, options);
  const env = {
    ...LONG_LIVES,
    MES_DATABASE_URL: plant.url,
    REDIS_URL: redis.url,
    CHANGE_FEED: options.feed,
    CHANGE_FEED_POLL_MS: '500',
    LOG_LEVEL: 'warn',
    ...(options.bug && { NODE_OPTIONS: preload('bugs.mjs'), CHECKER_BUG: options.bug }),
  };
  closing.push(() => Promise.resolve(closeConnections()));
  const places: Place[] = [];
  for (let index = 0; index < GATEWAYS; index += 1) {
    const place = await Place.start(index, env);
    closing.push(() => place.stop());
    places.push(place);
  }
  const token = await tokenFor({ role: 'operator' }, { expiresIn: 24 * 3_600_000 });
  const hours = [...new Set(subjects.map(({ createdAt }) => Math.floor(createdAt / HOUR) * HOUR))];
  const report = new FeedReport(options, VISIBLE_BOUND);
  return { options, report, plant, places, subjects, hours, token, written };
}

async function insertSubjects(plant: Plant, options: FeedCheckOptions): Promise<Subject[]> {
  const random = randomFor(options, 'orders');
  const subjects = Array.from({ length: options.orders }, (_, index) =>
    newSubject(randomUuid(random), FIRST + Math.floor(((index + random()) * HOUR) / ORDERS_PER_HOUR)),
  );
  // The poll must not take them for changes.
  const updated_at = new Date(Date.now() - 24 * HOUR).toISOString();
  const row = ({ id, createdAt }: Subject) => ({ id, created_at: new Date(createdAt).toISOString(), updated_at });
  await plant.insert(...subjects.map(row));
  return subjects;
}
