import { migrate } from '../../src/sources/migrations/migrate.js';
import { queryOnce, startPostgres, type PostgresServer } from '../../test/support/servers/postgres.js';

const HISTORY = 20_000;

/** Orders `from` … `to`, evenly spread over the time from `$1` to `$2`, oldest first. */
const insertSql = (from: number, to: number): string => `
  insert into orders (id, number, status, created_at, updated_at, version, partner_id, customer, product, material, quantity,
    price_minor, currency, file_path)
  select ('00000000-0000-4000-8000-' || lpad(k::text, 12, '0'))::uuid, 'MO-' || k, 'MANUFACTURING_STARTED', at, at, 1,
    'partner-' || k % 7, 'Customer ' || k % 90, 'Hexagon nut M12', 'steel 8.8', 1 + k % 500, 100 * (1 + k % 900), 'EUR', 'models/nut-m12.stl'
  from generate_series(${from}, ${to}) as k,
    lateral (select $1::timestamptz + ($2::timestamptz - $1::timestamptz) * (k - ${from}) / (${to} - ${from} + 1)) as moment (at)`;

/**
 * A Postgres with the database `seed`: 20 000 orders of 90 days, and `orders` of the last eleven hours, which is today in
 * `noonTimeZone()`. It counts statements and their rows (`pg_stat_statements`).
 */
export async function startDayPlant(orders: number): Promise<PostgresServer> {
  const postgres = await startPostgres({ extraArgs: ['-c', 'shared_preload_libraries=pg_stat_statements'] });
  await postgres.query('create extension pg_stat_statements');
  const seed = await postgres.createDatabase('seed');
  await migrate({ url: seed, log: () => undefined, withPollIndex: true });
  const [row] = await postgres.query(
    `select now() - interval '90 days' as first, now() - interval '1 day' as yesterday, now() - interval '11 hours' as morning, now() as now`,
  );
  const { first, yesterday, morning, now } = row as Record<'first' | 'yesterday' | 'morning' | 'now', Date>;
  await queryOnce(seed, insertSql(1, HISTORY), [first, yesterday]);
  await queryOnce(seed, insertSql(HISTORY + 1, HISTORY + orders), [morning, now]);
  await queryOnce(seed, 'truncate orders_outbox');
  await queryOnce(seed, 'vacuum analyze orders');
  return postgres;
}

/** The newest `count` orders of a day plant, newest first. */
export async function newestIds(url: string, count: number): Promise<string[]> {
  const rows = await queryOnce(url, 'select id::text from orders order by created_at desc limit $1', [count]);
  return rows.map(({ id }) => String(id));
}
