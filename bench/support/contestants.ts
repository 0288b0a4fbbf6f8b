import { join } from 'node:path';
import { MINUTE } from '../../src/units.js';
import { freePort } from '../../test/support/servers/ports.js';
import type { PostgresServer } from '../../test/support/servers/postgres.js';
import type { RedisServer } from '../../test/support/servers/redis.js';
import { startProcess } from '../../test/support/servers/server-process.js';
import { removeFolder, temporaryFolder } from '../../test/support/servers/temporary.js';
import { STATEMENTS_PATH } from '../peers/route.js';
import { metricsOf, startOurs } from './gateway.js';
import { copyPlant } from './plant.js';

/** One server that takes part, on a database and a Redis database of its own. */
export interface Contestant {
  readonly name: string;
  /** More than one: instances that share database and Redis. Load goes to the first, a stampede to all. */
  readonly ports: readonly number[];
  readonly databaseUrl: string;
  /** False: it never changes what it has answered, by design. */
  readonly takesMutations: boolean;
  /** SQL statements so far, of all instances. */
  statements(): Promise<number>;
  stop(): Promise<void>;
}

export const BASELINE = 'Apollo, no cache';

const PEERS = {
  [BASELINE]: 'apollo',
  'Apollo, response cache (Redis)': 'apollo-response-cache',
  'Apollo, cache-aside (Redis)': 'apollo-cache-aside',
  'Yoga, response cache (memory)': 'yoga',
  'Mercurius, JIT, cache (memory)': 'mercurius',
  'ready bytes, node:http': 'ready-bytes',
} as const;

/** Starts all that take part, ours first. */
export async function startContestants(postgres: PostgresServer, redis: RedisServer): Promise<Contestant[]> {
  const all: Contestant[] = [
    await ours('mes-gateway (Redis)', postgres, `${redis.url}/1`, 1),
    await ours('mes-gateway (memory)', postgres, undefined, 1),
  ];
  let index = 2;
  for (const [name, peer] of Object.entries(PEERS)) {
    all.push(await startPeer(name, peer, await copyPlant(postgres, peer), `${redis.url}/${index}`));
    index += 1;
  }
  return all;
}

/** `count` instances of the gateway. */
export async function ours(
  name: string,
  postgres: PostgresServer,
  redisUrl: string | undefined,
  count: number,
): Promise<Contestant> {
  const databaseUrl = await copyPlant(postgres, name.replace(/\W+/g, '-'));
  const gateways = await Promise.all(Array.from({ length: count }, () => startOurs(databaseUrl, redisUrl)));
  return {
    name,
    ports: gateways.map(({ port }) => port),
    databaseUrl,
    takesMutations: true,
    statements: async () => {
      const counts = await Promise.all(gateways.map(async (one) => (await metricsOf(one)).get('mes_sql_statements_total') ?? 0));
      return counts.reduce((sum, each) => sum + each, 0);
    },
    stop: async () => {
      await Promise.all(gateways.map((gateway) => gateway.stop()));
    },
  };
}

async function startPeer(name: string, peer: string, databaseUrl: string, redisUrl: string): Promise<Contestant> {
  const port = await freePort();
  const folder = temporaryFolder();
  const server = await startProcess({
    command: process.execPath,
    args: ['--import', 'tsx', join(import.meta.dirname, '../peers/main.ts'), peer],
    env: {
      PATH: process.env['PATH'],
      NODE_ENV: 'production',
      PORT: String(port),
      DATABASE_URL: databaseUrl,
      REDIS_URL: redisUrl,
    },
    logFile: join(folder, 'peer.log'),
  });
  const statements = async (): Promise<number> =>
    Number(await (await fetch(`http://127.0.0.1:${port}${STATEMENTS_PATH}`)).text());
  const answers = (): Promise<boolean> =>
    statements().then(
      () => true,
      () => false,
    );
  await server.until(answers, MINUTE);
  const stop = async (): Promise<void> => {
    await server.end('SIGTERM');
    removeFolder(folder);
  };
  return { name, ports: [port], databaseUrl, takesMutations: peer !== 'ready-bytes', statements, stop };
}
