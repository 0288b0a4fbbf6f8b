import { cpus } from 'node:os';
import { median, quantile, short, table } from '../bench/support/numbers.js';
import type { Act } from '../src/audit/audit.js';
import { MesDatabase } from '../src/sources/mes-database.js';
import { migrate } from '../src/sources/migrations/migrate.js';
import { SECOND } from '../src/units.js';
import { valuesOrExit } from '../test/support/command-line.js';
import { option } from '../test/support/command-options.js';
import { startPostgres } from '../test/support/servers/postgres.js';

/**
 * Measures what the audit log costs a status change: `npm run bench:audit -- --changes 500`. With and without it take turns, change by
 * change, in one database that has the outbox too; Postgres waits for the disk at every commit.
 */
const DURABLE = ['fsync=on', 'synchronous_commit=on', 'full_page_writes=on', 'max_wal_size=8GB', 'autovacuum=off'];
const ACT: Act = {
  viewer: { role: 'operator', subject: 'ada' },
  requestId: '00000000-0000-4000-8000-000000000000',
  way: 'MUTATION',
};
const INSERT = `insert into orders (id, number, status, customer, product, material, quantity, price_minor, currency)
  select gen_random_uuid(), 'N', 'INITIATED', 'c', 'p', 'm', 1, 1, 'EUR' from generate_series(1, $1) returning id::text`;

async function measure(database: MesDatabase, ids: readonly string[], act?: Act): Promise<number> {
  const start = performance.now();
  await database.changeStatuses(
    ids.map((id) => ({ id, status: 'SUBMITTED' })),
    undefined,
    act,
  );
  return performance.now() - start;
}

function row(name: string, without: readonly number[], audited: readonly number[]): string[] {
  const each = (took: readonly number[]): string =>
    `${short(median(took))} ms (p95 ${short(
      quantile(
        [...took].sort((a, b) => a - b),
        0.95,
      ),
    )})`;
  return [name, each(without), each(audited), `× ${(median(audited) / median(without)).toFixed(2)}`];
}

async function main(): Promise<void> {
  const { changes } = valuesOrExit({
    name: 'npm run bench:audit',
    does: 'Measures what the audit log costs a status change.',
    options: {
      changes: option.whole({ unit: 'changes', does: 'how many are measured each way', default: 500 }),
    },
  });
  const postgres = await startPostgres({ extraArgs: DURABLE.flatMap((setting) => ['-c', setting]) });
  const database = new MesDatabase({ url: postgres.url, poolMax: 2, timeout: 30 * SECOND });
  try {
    await migrate({ url: postgres.url, log: () => undefined });
    const rows = [];
    for (const size of [1, 100]) {
      const count = Math.ceil(changes / Math.sqrt(size));
      const warmUp = Math.ceil(count / 5);
      const found = await postgres.query(INSERT, [2 * size * (count + warmUp)]);
      const ids = found.map(({ id }) => String(id));
      const [without, audited]: [number[], number[]] = [[], []];
      for (let done = -warmUp; done < count; done += 1) {
        const took = await measure(database, ids.splice(0, size));
        const tookAudited = await measure(database, ids.splice(0, size), ACT);
        if (done < 0) continue;
        without.push(took);
        audited.push(tookAudited);
      }
      rows.push(row(`${size} order${size > 1 ? 's' : ''}, ${count} times`, without, audited));
    }
    console.log(`${new Date().toISOString().slice(0, 10)}, ${cpus().length} × ${cpus()[0]?.model ?? '?'}\n`);
    console.log(table(['one mutation of', 'without', 'audited', 'ratio of medians'], rows));
  } finally {
    await database.close();
    await postgres.stop();
  }
}

await main();
