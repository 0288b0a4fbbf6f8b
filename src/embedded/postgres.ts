import { once } from 'node:events';
import { mkdir, realpath } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { SECOND } from '../units.js';
import { demoSecret } from './demo-secret.js';
import { findPostgresBinaries } from './postgres-binaries.js';
import { ensureCluster, logTail, openLog, type Cluster } from './postgres-cluster.js';
import { hasLiveOwner, launcherName, takeOwnership } from './postgres-owner.js';
import { findPostmaster, postgresUrl, stopPostmaster, untilReady, type Postmaster } from './postgres-postmaster.js';
import { choosePostgresUser, postgresEnvironment } from './postgres-user.js';
import { identifyProcess } from './processes.js';

export interface EmbeddedPostgres {
  /** Connection URL of its only database, as superuser, on 127.0.0.1. */
  readonly url: string;
  readonly port: number;
  /** Whether `stop()` stops the server; `false` when another live gateway started it. */
  readonly owned: boolean;
  stop(): Promise<void>;
}

export interface EmbeddedPostgresOptions {
  /** Made if missing; the database lives in its folder `postgres`, its log beside that. */
  readonly dataDir: string;
  readonly log: (line: string) => void;
}

const START_DEADLINE = 20 * SECOND;
const ATTEMPTS = 5;

/** Sized for a laptop. What is committed stays committed, also here: a cache may have told it to others already. */
const SETTINGS = [
  'listen_addresses=127.0.0.1',
  // A socket's path must be shorter than 108 bytes; a project's folder need not be.
  'unix_socket_directories=',
  'shared_buffers=64MB',
  'max_connections=100',
  'timezone=UTC',
  'log_timezone=UTC',
].flatMap((setting) => ['-c', setting]);

/**
 * A real Postgres with its data in `dataDir`, which survives restarts. A server that a killed gateway left behind is adopted;
 * one that belongs to a live gateway is shared, and ends with that gateway.
 *
 * @throws Error that says what to do if Postgres is not installed, or with the end of its log if it does not start in 20 s
 */
export async function startEmbeddedPostgres({ dataDir, log }: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  await mkdir(dataDir, { recursive: true });
  const home = await realpath(dataDir);
  const [binaries, user, password] = await Promise.all([
    findPostgresBinaries(),
    choosePostgresUser(),
    demoSecret(home, 'postgres-password'),
  ]);
  const cluster: Cluster = {
    dir: path.join(home, 'postgres'),
    logFile: path.join(home, 'postgres.log'),
    ownerFile: path.join(home, 'postgres-owner.json'),
    binaries,
    user,
    password,
  };
  await ensureCluster(cluster);
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const started = (await joinRunning(cluster, log)) ?? (await launch(cluster, log));
    if (started !== null) return started;
  }
  throw new Error(`The embedded Postgres in ${cluster.dir} did not start in ${ATTEMPTS} attempts:\n${await logTail(cluster)}`);
}

async function joinRunning(cluster: Cluster, log: (line: string) => void): Promise<EmbeddedPostgres | null> {
  const running = await findPostmaster(cluster);
  const answer = running && (await untilReady(cluster, running, Date.now() + START_DEADLINE));
  if (!running || !answer) return null;
  if (await hasLiveOwner(cluster, answer.name)) {
    log(`Sharing the embedded Postgres of another gateway on 127.0.0.1:${running.port}.`);
    return handle(cluster, running, false);
  }
  await takeOwnership(cluster);
  log(`Took over the embedded Postgres that a stopped gateway left on 127.0.0.1:${running.port}.`);
  return handle(cluster, running, true);
}

/** `null` if the port or the directory was taken in the meantime. */
async function launch(cluster: Cluster, log: (line: string) => void): Promise<EmbeddedPostgres | null> {
  const port = await freePort();
  const postmaster: Postmaster = { process: await spawnServer(cluster, port), port };
  if (await untilReady(cluster, postmaster, Date.now() + START_DEADLINE)) {
    await takeOwnership(cluster);
    log(`Embedded Postgres is up on 127.0.0.1:${port}, its data in ${cluster.dir}.`);
    return handle(cluster, postmaster, true);
  }
  await stopPostmaster(postmaster);
  const tail = await logTail(cluster);
  if (/could not bind|postmaster\.pid" already exists/.test(tail)) return null;
  throw new Error(`The embedded Postgres in ${cluster.dir} did not start. Its log ends with:\n${tail}`);
}

async function spawnServer(cluster: Cluster, port: number): Promise<Postmaster['process']> {
  const output = await openLog(cluster);
  try {
    const child = cluster.user.spawn(cluster.binaries.postgres, await serverArguments(cluster, port), {
      stdio: ['ignore', output.fd, output.fd],
      env: postgresEnvironment(),
      // Out of the terminal's process group: Ctrl-C must reach the gateway alone, which needs the database while it drains.
      detached: true,
    });
    await once(child, 'spawn');
    child.unref();
    const pid = child.pid ?? 0;
    return (await identifyProcess(pid)) ?? { pid, startedAt: '' };
  } finally {
    await output.close();
  }
}

async function serverArguments(cluster: Cluster, port: number): Promise<string[]> {
  return ['-D', cluster.dir, '-c', `port=${port}`, '-c', `cluster_name=${await launcherName()}`, ...SETTINGS];
}

function handle(cluster: Cluster, postmaster: Postmaster, owned: boolean): EmbeddedPostgres {
  let stopping: Promise<void> | undefined;
  return {
    url: postgresUrl(cluster, postmaster.port),
    port: postmaster.port,
    owned,
    stop: () => (stopping ??= owned ? stopPostmaster(postmaster) : Promise.resolve()),
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('No free TCP port on 127.0.0.1.');
  return address.port;
}
