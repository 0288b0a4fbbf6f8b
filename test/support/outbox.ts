import pg from 'pg';
import { queryOnce, type Row } from './servers/postgres.js';

/** The columns of the contract, as in a table that somebody else made. */
export const CONTRACT_COLUMNS = `id uuid, number text, status text, created_at timestamptz, updated_at timestamptz, version int,
  partner_id text, customer text, product text, material text, quantity int, price_minor int, currency text, file_path text`;

/** Inserts orders `from` … `to`; the k-th was created k minutes after midnight of 2025-07-24. */
export function insertSql(from: number, to: number, table = 'orders'): string {
  return `insert into ${table} (id, number, status, created_at, updated_at, version, partner_id, customer, product, material, quantity,
      price_minor, currency, file_path)
    select ('00000000-0000-4000-8000-' || lpad(k::text, 12, '0'))::uuid, 'N' || k, 'SUBMITTED',
      timestamptz '2025-07-24 00:00Z' + k * interval '1 minute', now(), 1, 'p', 'c', 'x', 'm', 1, 1, 'EUR', 'f' from generate_series(${from}, ${to}) k`;
}

/** Recorded changes as "number: before → after", of created_at (as minutes after midnight), partner and file. */
export async function recorded(url: string): Promise<string[]> {
  const place = (side: string): string =>
    `coalesce(extract(epoch from created_${side} - timestamptz '2025-07-24 00:00Z')::int / 60 || ' ' || coalesce(partner_${side}, '-') || ' ' || coalesce(file_${side}, '-'), 'none')`;
  const rows = await queryOnce(
    url,
    `select right(order_id::text, 12)::bigint || ': ' || ${place('before')} || ' → ' || ${place('after')} as change
     from orders_outbox order by id`,
  );
  return rows.map(({ change }) => String(change));
}

/** Runs `work` on one connection, which is closed again. */
export async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Every object of the database that is not Postgres' own, as text; to be compared. */
export async function catalogue(url: string): Promise<Row[]> {
  const own = `n.nspname !~ '^pg_' and n.nspname <> 'information_schema'`;
  return queryOnce(
    url,
    `select 'relation' as kind, n.nspname || '.' || relname || ' ' || relkind::text as what, relowner::regrole || coalesce(relacl::text, '') as detail
       from pg_class c join pg_namespace n on n.oid = relnamespace where ${own}
     union all select 'column', attrelid::regclass || '.' || attname, format_type(atttypid, atttypmod) || attnotnull::text
       from pg_attribute a join pg_class c on c.oid = attrelid join pg_namespace n on n.oid = relnamespace where ${own} and attnum > 0
     union all select 'function', p.oid::regprocedure::text, prosrc || coalesce(proconfig::text, '') || coalesce(proacl::text, '')
       from pg_proc p join pg_namespace n on n.oid = pronamespace where ${own}
     union all select 'trigger', tgrelid::regclass || '.' || tgname, pg_get_triggerdef(t.oid) || tgenabled::text
       from pg_trigger t join pg_class c on c.oid = tgrelid join pg_namespace n on n.oid = relnamespace where ${own}
     union all select 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(k.oid)
       from pg_constraint k join pg_class c on c.oid = conrelid join pg_namespace n on n.oid = relnamespace where ${own}
     order by 1, 2, 3`,
  );
}

/** The URL of the same database with another user and, if given, another search path. */
export function as(url: string, user: string, searchPath?: string): string {
  const other = new URL(url);
  other.username = user;
  if (searchPath !== undefined) other.searchParams.set('options', `-c search_path=${searchPath}`);
  return other.href;
}
