import { startPostgres, type PostgresServer } from './postgres.js';
import { startRedis, type RedisServer } from './redis.js';
import { startS3, type S3Server } from './s3.js';
import { publishSharedServers, wantedServers, type ServerName } from './shared.js';

/** Starts the wanted shared servers at once and publishes their addresses. Gives the function that stops them all. */
export async function startSharedServers(): Promise<() => Promise<void>> {
  const wanted = wantedServers();
  const started: { stop(): Promise<void> }[] = [];
  const start = async <Server extends { stop(): Promise<void> }>(
    name: ServerName,
    how: () => Promise<Server>,
  ): Promise<Server | undefined> => {
    if (!wanted.has(name)) return undefined;
    const server = await how();
    started.push(server);
    return server;
  };
  const stop = async (): Promise<void> => {
    await Promise.all(started.map((server) => server.stop()));
  };
  const all = await Promise.allSettled([
    start('postgres', startPostgres),
    start('redis', startSharedRedis),
    start('s3', startS3),
  ] as const);
  const failures = all.filter((one) => one.status === 'rejected').map((one) => one.reason as Error);
  if (failures.length > 0) {
    await stop();
    throw new AggregateError(failures, failures.map((failure) => failure.message).join('\n\n'));
  }
  publish(all[0], all[1], all[2]);
  return stop;
}

/** Databases enough for a worker on each core of a large machine. */
function startSharedRedis(): Promise<RedisServer> {
  return startRedis({ extraArgs: ['--databases', '256'] });
}

type Started<Server> = PromiseSettledResult<Server | undefined>;

function publish(postgres: Started<PostgresServer>, redis: Started<RedisServer>, s3: Started<S3Server>): void {
  const valueOf = <Server>(one: Started<Server>): Server | undefined => (one.status === 'fulfilled' ? one.value : undefined);
  const [database, cache, store] = [valueOf(postgres), valueOf(redis), valueOf(s3)];
  publishSharedServers({
    ...(database && { postgres: { url: database.url } }),
    ...(cache && { redis: { url: cache.url } }),
    ...(store && {
      s3: {
        endpoint: store.endpoint,
        accessKeyId: store.accessKeyId,
        secretAccessKey: store.secretAccessKey,
        region: store.region,
      },
    }),
  });
}
