import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { SECOND, type EpochMilliseconds } from '../units.js';
import type { Cluster } from './postgres-cluster.js';
import { commandLine, identifyProcess, stillRuns, type ProcessIdentity } from './processes.js';

/** The server process that serves a data directory, and where it listens. */
export interface Postmaster {
  readonly process: ProcessIdentity;
  readonly port: number;
}

const POLL = 30;
const FAST_SHUTDOWN = 10 * SECOND;
const IMMEDIATE_SHUTDOWN = 5 * SECOND;

export function postgresUrl({ password }: Cluster, port: number): string {
  return `postgres://postgres:${password}@127.0.0.1:${port}/postgres?sslmode=disable`;
}

/**
 * The live server of this directory, by its lock file (pid in line 1, port in line 4), or `null`.
 * A lock file whose pid belongs to some other program now is removed, since Postgres itself would take it for a live server.
 */
export async function findPostmaster(cluster: Cluster): Promise<Postmaster | null> {
  const lockFile = path.join(cluster.dir, 'postmaster.pid');
  const lines = (await readFile(lockFile, 'utf8').catch(() => '')).split('\n');
  const [pid, port] = [Number(lines[0]), Number(lines[3])];
  const found = Number.isInteger(pid) && pid > 0 ? await identifyProcess(pid) : null;
  if (found === null) return null;
  const command = await commandLine(pid);
  if (command !== null && !command.includes(cluster.dir)) {
    await rm(lockFile, { force: true });
    return null;
  }
  return { process: found, port };
}

/** What a server says of itself: the directory it serves, and the `cluster_name` it was started with. */
export interface Answer {
  readonly dir: string;
  readonly name: string;
}

/**
 * Waits until the server answers.
 *
 * @returns `null` if the process ended, or `deadline` passed, or what answers on that port serves another directory
 */
export async function untilReady(cluster: Cluster, postmaster: Postmaster, deadline: EpochMilliseconds): Promise<Answer | null> {
  while (Date.now() < deadline && (await stillRuns(postmaster.process))) {
    const answer = await ask(postgresUrl(cluster, postmaster.port));
    if (answer !== null) return answer.dir === cluster.dir ? answer : null;
    await delay(POLL);
  }
  return null;
}

async function ask(connectionString: string): Promise<Answer | null> {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: 2 * SECOND });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<Answer>(
      `select current_setting('data_directory') as dir, current_setting('cluster_name') as name`,
    );
    return rows[0] ?? null;
  } catch {
    return null;
  } finally {
    await client.end().catch(() => undefined);
  }
}

/**
 * Fast shutdown: clients are disconnected and all data written. A server that takes too long is stopped at once, and
 * recovers from its log at the next start.
 *
 * @throws Error if it survives even that
 */
export async function stopPostmaster({ process: target }: Postmaster): Promise<void> {
  for (const [signal, patience] of [
    ['SIGINT', FAST_SHUTDOWN],
    ['SIGQUIT', IMMEDIATE_SHUTDOWN],
  ] as const) {
    if (!(await stillRuns(target))) return;
    process.kill(target.pid, signal);
    const deadline = Date.now() + patience;
    while (Date.now() < deadline && (await stillRuns(target))) await delay(POLL);
  }
  if (await stillRuns(target)) throw new Error(`The embedded Postgres (process ${target.pid}) does not stop.`);
}
