import { once } from 'node:events';
import { mkdir, open, readFile, rename, rm, stat, writeFile, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { draftOf, removeOldDrafts } from './drafts.js';
import type { PostgresBinaries } from './postgres-binaries.js';
import { postgresEnvironment, type PostgresUser } from './postgres-user.js';

/** One embedded database: where it lives and what runs it. All paths are absolute. */
export interface Cluster {
  readonly dir: string;
  readonly logFile: string;
  readonly ownerFile: string;
  readonly binaries: PostgresBinaries;
  readonly user: PostgresUser;
  /** Of the superuser; other users of this machine must not get in. */
  readonly password: string;
}

/**
 * Makes the data directory if there is none yet. It is made elsewhere and renamed, so that a kill leaves nothing half-made.
 *
 * @throws Error with the end of initdb's own log
 */
export async function ensureCluster(cluster: Cluster): Promise<void> {
  if (!(await isDirectory(cluster.dir))) await createCluster(cluster);
  await cluster.user.adopt(cluster.dir);
}

async function createCluster(cluster: Cluster): Promise<void> {
  await removeOldDrafts(path.dirname(cluster.dir));
  const draft = draftOf(cluster.dir);
  await rm(draft, { recursive: true, force: true });
  await mkdir(draft, { recursive: true, mode: 0o700 });
  try {
    await cluster.user.adopt(draft);
    await initialise(cluster, draft);
    await rename(draft, cluster.dir);
  } catch (error) {
    if (!(await isDirectory(cluster.dir))) throw error;
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

async function initialise(cluster: Cluster, dir: string): Promise<void> {
  const output = await openLog(cluster);
  const passwordFile = draftOf(`${cluster.dir}-password`);
  try {
    await writeFile(passwordFile, cluster.password, { mode: 0o600 });
    await cluster.user.adopt(passwordFile);
    const access = ['-U', 'postgres', '-A', 'scram-sha-256', `--pwfile=${passwordFile}`];
    const args = ['-D', dir, ...access, '--no-sync', '--locale=C', '-E', 'UTF8', '--no-instructions'];
    const child = cluster.user.spawn(cluster.binaries.initdb, args, {
      stdio: ['ignore', output.fd, output.fd],
      env: postgresEnvironment(),
    });
    await once(child, 'close');
    if (child.exitCode !== 0)
      throw new Error(`initdb failed (exit ${String(child.exitCode)}) for ${dir}:\n${await logTail(cluster)}`);
  } finally {
    await output.close();
    await rm(passwordFile, { force: true });
  }
}

/** Emptied, and open for appending: two gateways that start at once may both write. */
export async function openLog(cluster: Cluster): Promise<FileHandle> {
  const file = await open(cluster.logFile, 'a');
  await file.truncate(0);
  return file;
}

/** The last lines that Postgres wrote. */
export async function logTail(cluster: Cluster, lines = 12): Promise<string> {
  const text = await readFile(cluster.logFile, 'utf8').catch(() => '');
  return text.trimEnd().split('\n').slice(-lines).join('\n');
}

async function isDirectory(dir: string): Promise<boolean> {
  return stat(dir).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
