import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { MINUTE, SECOND } from '../../units.js';
import type { Queryable } from './migration.js';

/** Of all advisory locks, the one that migrations of this gateway take. */
const LOCK = 7_304_117_001;
const LOCK_PATIENCE = 2 * MINUTE;
const LOCK_POLL = SECOND / 5;

/** Runs `work` on a connection of its own; with `alone`, while no other migration of this database runs. */
export async function withSession<T>(url: string, alone: boolean, work: (db: Queryable) => Promise<T>): Promise<T> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 10 * SECOND,
    application_name: 'mes-gateway migrate',
  });
  client.on('error', () => undefined);
  await client.connect();
  try {
    if (alone) await takeLock(client);
    return await work(client);
  } finally {
    // Ending the session also gives the lock back.
    await client.end();
  }
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
