import type { GatewayProcess } from '../../test/support/gateway.js';
import type { PostgresServer } from '../../test/support/servers/postgres.js';
import type { RedisServer } from '../../test/support/servers/redis.js';
import { MIB, SECOND } from '../../src/units.js';
import { metricsOf } from './gateway.js';

/** Sums so far; a run's are the difference of two. */
const NAMES = [
  'statements',
  'rows',
  'pages',
  'databaseMs',
  'redisInMib',
  'redisOutMib',
  'gatewayCpu',
  'redisCpu',
  'ready',
] as const;
export type Costs = Readonly<Record<(typeof NAMES)[number], number>>;

/**
 * Statements that load lists, whole or their changes, are told from all others (the feed's, the writer's) by their text.
 * `rows` are those that the server sent to the gateway. `pages` are the buffers that it looked at for them, indexes and the
 * outbox included, so that work which ends in no row counts, too.
 */
const LOADS = `select coalesce(sum(calls), 0)::float8 as statements, coalesce(sum(rows), 0)::float8 as rows,
    coalesce(sum(shared_blks_hit + shared_blks_read), 0)::float8 as pages, coalesce(sum(total_exec_time), 0)::float8 as time
  from pg_stat_statements join pg_database on pg_database.oid = dbid
  where datname = $1 and (query like '%as wanted (lower, upper)%' or query like '%as given (lower, upper, snapshot)%')`;

export async function costsOf(
  postgres: PostgresServer,
  database: string,
  redis: RedisServer,
  gateways: readonly GatewayProcess[],
): Promise<Costs> {
  const [rows, info, ...metrics] = await Promise.all([
    postgres.query(LOADS, [new URL(database).pathname.slice(1)]),
    redis.cli('info', 'all'),
    ...gateways.map(metricsOf),
  ]);
  const said = (name: string): number => Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(info)?.[1]);
  const sum = (name: string): number => metrics.reduce((total, each) => total + (each.get(name) ?? 0), 0);
  return {
    statements: Number(rows[0]?.['statements']),
    rows: Number(rows[0]?.['rows']),
    pages: Number(rows[0]?.['pages']),
    databaseMs: Number(rows[0]?.['time']),
    redisInMib: said('total_net_input_bytes') / MIB,
    redisOutMib: said('total_net_output_bytes') / MIB,
    gatewayCpu: sum('process_cpu_seconds_total') * SECOND,
    redisCpu: (said('used_cpu_user') + said('used_cpu_sys')) * SECOND,
    ready: sum('mes_ready_answers_total'),
  };
}

export function difference(after: Costs, before: Costs): Costs {
  return Object.fromEntries(NAMES.map((name) => [name, after[name] - before[name]])) as Costs;
}
