import { seedPlant } from '../../src/embedded/seed.js';
import { migrate } from '../../src/sources/migrations/migrate.js';
import { DAY, HOUR, type EpochMilliseconds } from '../../src/units.js';
import { queryOnce, startPostgres, type PostgresServer } from '../../test/support/servers/postgres.js';

/** Which parts of the plant the scenarios read. Windows are whole hours. */
export interface Plan {
  /** The fullest hour of the week. */
  readonly hot: EpochMilliseconds;
  /** Every hour of seven whole days, the fullest first. All orders in them were set back to the first status. */
  readonly week: readonly EpochMilliseconds[];
  /** The 24 hours of the fullest day. */
  readonly day: readonly EpochMilliseconds[];
  /** Hours before that week with at least 20 orders each; nothing else reads them. */
  readonly cold: readonly EpochMilliseconds[];
  readonly orders: number;
}

const silent = (): void => undefined;

/** A Postgres with the database `seed`: about 22 000 orders of 90 days. */
export async function startPlant(): Promise<{ postgres: PostgresServer; seed: string; plan: Plan }> {
  const postgres = await startPostgres();
  const seed = await postgres.createDatabase('seed');
  await migrate({ url: seed, log: silent });
  await seedPlant({ url: seed, log: silent, clock: Date.now });
  return { postgres, seed, plan: await makePlan(seed) };
}

/** A copy of the seeded database, so that every contestant starts from the same rows and changes only its own. */
export async function copyPlant(postgres: PostgresServer, name: string): Promise<string> {
  await queryOnce(postgres.url, `create database "${name}" template seed`);
  const url = new URL(postgres.url);
  url.pathname = `/${name}`;
  return url.href;
}

async function makePlan(url: string): Promise<Plan> {
  const end = Math.floor(Date.now() / DAY) * DAY - DAY;
  const start = end - 7 * DAY;
  await queryOnce(url, `update orders set status = 'INITIATED', version = 1 where created_at >= $1 and created_at < $2`, [
    new Date(start),
    new Date(end),
  ]);
  await queryOnce(url, 'vacuum analyze orders');
  const rows = await queryOnce(
    url,
    `select extract(epoch from date_trunc('hour', created_at))::float8 * 1000 as hour, count(*)::int as count from orders group by 1 order by 2 desc, 1`,
  );
  const hours = rows.map(({ hour, count }) => ({ hour: Number(hour), count: Number(count) }));
  const inWeek = hours.filter(({ hour }) => hour >= start && hour < end).map(({ hour }) => hour);
  const empty = Array.from({ length: 7 * 24 }, (_, index) => start + index * HOUR).filter((hour) => !inWeek.includes(hour));
  const hot = inWeek[0] ?? start;
  const dayStart = Math.floor(hot / DAY) * DAY;
  return {
    hot,
    week: [...inWeek, ...empty],
    day: Array.from({ length: 24 }, (_, index) => dayStart + index * HOUR),
    cold: hours.filter(({ hour, count }) => hour < start && count >= 20).map(({ hour }) => hour),
    orders: hours.reduce((sum, { count }) => sum + count, 0),
  };
}
