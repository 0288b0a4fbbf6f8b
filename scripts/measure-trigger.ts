import { cpus } from 'node:os';
import pg from 'pg';
import { median, quantile, short, table } from '../bench/support/numbers.js';
import { migrate, undoOutbox } from '../src/sources/migrations/migrate.js';
import { valuesOrExit } from '../test/support/command-line.js';
import { option } from '../test/support/command-options.js';
import { queryOnce, startPostgres, type PostgresServer } from '../test/support/servers/postgres.js';

/**
 * Measures what the outbox's triggers cost those who write `orders`: `npm run bench:trigger -- --rounds 7`. The databases take
 * turns in every round, so that what else the machine does falls on all of them; a ratio is the median of the rounds' ratios
 * to the database without an outbox. Postgres waits for the disk at every commit, as it does in production.
 */
const ROWS = 100_000;
const WRITERS = 8;
const DURABLE = [
  'fsync=on',
  'synchronous_commit=on',
  'full_page_writes=on',
  'shared_buffers=512MB',
  'max_wal_size=8GB',
  'autovacuum=off',
];

const VARIANTS = ['without', 'outbox', 'outbox, no NOTIFY', 'index on updated_at'] as const;
type Variant = (typeof VARIANTS)[number];

const SET = `set status = 'SHIPPED', version = version + 1, updated_at = clock_timestamp()`;
const INSERT = `insert into orders (id, number, status, created_at, customer, product, material, quantity, price_minor, currency)
  select gen_random_uuid(), 'N', 'INITIATED', now() - random() * interval '90 days', 'c', 'p', 'm', 1, 1, 'EUR'`;

interface Scenario {
  readonly name: string;
  /** What one round gives: milliseconds per write, middle and 95th percentile. */
  run(client: pg.Client, url: string, ids: readonly string[]): Promise<Sample>;
}

interface Sample {
  readonly p50: number;
  readonly p95: number;
}

const SCENARIOS: readonly Scenario[] = [
  { name: 'update 1 row', run: (client, _url, ids) => repeated(300, () => updateOne(client, ids)) },
  { name: 'insert 1 row', run: (client) => repeated(300, () => client.query(INSERT)) },
  { name: 'update 100 rows', run: (client, _url, ids) => repeated(30, () => updateMany(client, ids, 100)) },
  {
    name: `update all ${ROWS.toLocaleString('en-US').replace(',', ' ')} rows`,
    run: (client) => repeated(1, () => client.query(`update orders ${SET}`)),
  },
  { name: `update 1 row, ${WRITERS} writers at once`, run: (_client, url, ids) => concurrently(url, ids) },
  {
    name: 'update 1 row, commit not awaiting the disk',
    run: async (client, _url, ids) => {
      await client.query('set synchronous_commit = off');
      const sample = await repeated(1_000, () => updateOne(client, ids));
      await client.query('set synchronous_commit = on');
      return sample;
    },
  },
];

function updateOne(client: pg.Client, ids: readonly string[]): Promise<unknown> {
  return client.query({ name: 'one', text: `update orders ${SET} where id = $1`, values: [picked(ids)] });
}

function updateMany(client: pg.Client, ids: readonly string[], count: number): Promise<unknown> {
  const some = Array.from({ length: count }, () => picked(ids));
  return client.query({ name: 'many', text: `update orders ${SET} where id = any($1)`, values: [some] });
}

function picked(ids: readonly string[]): string {
  return ids[Math.floor(Math.random() * ids.length)] ?? '';
}

async function times(count: number, write: () => Promise<unknown>): Promise<number[]> {
  const took: number[] = [];
  for (let done = 0; done < count; done += 1) {
    const start = performance.now();
    await write();
    took.push(performance.now() - start);
  }
  return took;
}

function sampleOf(took: readonly number[]): Sample {
  const sorted = [...took].sort((a, b) => a - b);
  return { p50: median(sorted), p95: quantile(sorted, 0.95) };
}

async function repeated(count: number, write: () => Promise<unknown>): Promise<Sample> {
  return sampleOf(await times(count, write));
}

async function concurrently(url: string, ids: readonly string[]): Promise<Sample> {
  const clients = await Promise.all(Array.from({ length: WRITERS }, () => connected(url)));
  const took = await Promise.all(clients.map((client) => times(100, () => updateOne(client, ids))));
  await Promise.all(clients.map((client) => client.end()));
  return sampleOf(took.flat());
}

async function connected(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return client;
}

/** Copies of one table with the same rows. */
async function databases(postgres: PostgresServer): Promise<Map<Variant, string>> {
  const silent = { log: (): void => undefined };
  const seed = await postgres.createDatabase('seed');
  await migrate({ url: seed, ...silent });
  await undoOutbox({ url: seed, ...silent });
  await queryOnce(seed, `${INSERT} from generate_series(1, ${ROWS})`);
  const urls = new Map<Variant, string>();
  for (const [index, variant] of VARIANTS.entries()) {
    await postgres.query(`create database v${index} template seed`);
    const url = new URL(postgres.url);
    url.pathname = `/v${index}`;
    urls.set(variant, url.href);
    if (variant.startsWith('outbox')) await migrate({ url: url.href, ...silent });
    if (variant === 'index on updated_at') await queryOnce(url.href, 'create index on orders (updated_at)');
    if (variant.endsWith('no NOTIFY')) await postgres.query(`alter database v${index} set mes_gateway.notify = 'off'`);
  }
  return urls;
}

/** One scenario on one database; then what it left behind is cleaned away. */
async function measure(scenario: Scenario, url: string): Promise<Sample> {
  const client = await connected(url);
  const { rows } = await client.query<{ ids: string[] }>(
    'select array_agg(id::text) as ids from (select id from orders order by random() limit 20000) s',
  );
  await client.query('checkpoint');
  const sample = await scenario.run(client, url, rows[0]?.ids ?? []);
  await client.query(`do $$ begin if to_regclass('orders_outbox') is not null then truncate orders_outbox; end if; end $$`);
  await client.query('vacuum analyze orders');
  await client.end();
  return sample;
}

async function main(): Promise<void> {
  const { rounds } = valuesOrExit({
    name: 'npm run bench:trigger',
    does: "Measures what the outbox's triggers cost those who write orders.",
    options: {
      rounds: option.whole({ unit: 'rounds', does: 'how many are measured, after one to warm up', default: 7 }),
    },
  });
  const postgres = await startPostgres({ extraArgs: DURABLE.flatMap((setting) => ['-c', setting]) });
  try {
    const urls = await databases(postgres);
    const samples = new Map<string, Sample[]>();
    const of = (scenario: Scenario, variant: Variant): Sample[] => samples.get(`${scenario.name}/${variant}`) ?? [];
    for (let round = 0; round <= rounds; round += 1) {
      for (const scenario of SCENARIOS) {
        for (const [variant, url] of urls) {
          const sample = await measure(scenario, url);
          // The first round warms up.
          if (round > 0) samples.set(`${scenario.name}/${variant}`, [...of(scenario, variant), sample]);
        }
      }
      console.error(`round ${round} of ${rounds}`);
    }
    const [version] = await postgres.query(`select current_setting('server_version') as version`);
    console.log(
      `${new Date().toISOString().slice(0, 10)}, Postgres ${String(version?.['version'])}, ${cpus().length} × ${cpus()[0]?.model ?? '?'}, ${rounds} rounds\n`,
    );
    console.log(report(of));
  } finally {
    await postgres.stop();
  }
}

function report(of: (scenario: Scenario, variant: Variant) => readonly Sample[]): string {
  const [base, ...others] = VARIANTS;
  const cell = (scenario: Scenario, variant: Variant): string => {
    const mine = of(scenario, variant);
    const p50 = `${short(median(mine.map((sample) => sample.p50)))} ms`;
    if (variant === base) return p50;
    const ratios = mine.map((sample, round) => sample.p50 / (of(scenario, base)[round]?.p50 ?? NaN));
    return `${p50} (× ${median(ratios).toFixed(2)}, ${Math.min(...ratios).toFixed(2)} … ${Math.max(...ratios).toFixed(2)})`;
  };
  const rows = SCENARIOS.map((scenario) => [scenario.name, ...VARIANTS.map((variant) => cell(scenario, variant))]);
  return table(['write', base, ...others], rows);
}

await main();
