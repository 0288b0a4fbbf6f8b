import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { MINUTE, SECOND } from '../../units.js';
import { MIGRATIONS } from './index.js';
import type { Queryable } from './migration.js';

export interface MigrateOptions {
  readonly url: string;
  readonly log: (line: string) => void;
  /** Says what would be done, and changes nothing. */
  readonly dryRun?: boolean;
}

export interface MigrateResult {
  /** Titles of the steps taken (or, in a dry run, to be taken), in order. */
  readonly steps: readonly string[];
  /** What is left to the owner of the database. */
  readonly notes: readonly string[];
}

/** Of all advisory locks, the one that migrations of this gateway take. */
const LOCK = 7_304_117_001;
const LOCK_PATIENCE = 2 * MINUTE;
const LOCK_POLL = SECOND / 5;

/**
 * Brings the database to the newest schema, adding only what it lacks; safe to run at any time, and from several processes at once.
 * Writers of an existing table are not locked out.
 *
 * @throws Error if the database cannot be reached, an existing `orders` lacks columns, or the user lacks a privilege
 */
export async function migrate({ url, log, dryRun = false }: MigrateOptions): Promise<MigrateResult> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 10 * SECOND,
    application_name: 'mes-gateway migrate',
  });
  client.on('error', () => undefined);
  await client.connect();
  try {
    if (!dryRun) await takeLock(client);
    return await applyAll(client, log, dryRun);
  } finally {
    // Ending the session also gives the lock back.
    await client.end();
  }
}

async function applyAll(db: Queryable, log: (line: string) => void, dryRun: boolean): Promise<MigrateResult> {
  const done = { steps: [] as string[], notes: [] as string[] };
  for (const migration of MIGRATIONS) {
    const label = `${String(migration.version).padStart(3, '0')}-${migration.name}`;
    const plan = await migration.plan(db);
    for (const step of plan.steps) {
      log(dryRun ? `${label}: would ${step.title}:\n${step.sql};` : `${label}: ${step.title}`);
      if (!dryRun) await db.query(step.sql);
      done.steps.push(step.title);
    }
    for (const note of plan.notes) log(`${label}: ${note}`);
    done.notes.push(...plan.notes);
  }
  if (done.steps.length === 0) log('The schema is up to date.');
  return done;
}

/** Polled, because a session that waits for a lock holds a snapshot, and `create index concurrently` waits for all older snapshots: a deadlock. */
async function takeLock(db: Queryable): Promise<void> {
  const deadline = Date.now() + LOCK_PATIENCE;
  for (;;) {
    const { rows } = await db.query('select pg_try_advisory_lock($1) as taken', [LOCK]);
    if (rows[0]?.['taken'] === true) return;
    if (Date.now() > deadline)
      throw new Error('Another migration of this database has been running for two minutes; try again when it has ended.');
    await delay(LOCK_POLL);
  }
}
