import { migrate } from '../../src/sources/migrations/migrate.js';
import { startPostgres } from '../../test/support/servers/postgres.js';
import { startRedis, type RedisServer } from '../../test/support/servers/redis.js';
import { s3Client } from '../../test/support/servers/s3.js';
import { operatorToken } from '../support/gateway.js';
import type { S3Client } from '@aws-sdk/client-s3';
import { startOrigin, type Origin } from './origin.js';

/** The servers behind those that are measured. */
export interface World {
  readonly origin: Origin;
  /** Writes to the store, without being counted. */
  readonly client: S3Client;
  readonly redis: RedisServer;
  /** Without orders. */
  readonly databaseUrl: string;
  readonly token: string;
  stop(): Promise<void>;
}

export async function startWorld(): Promise<World> {
  // The SDK's advice on versions of Node is not for the reader of a bench.
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';
  const [origin, redis, postgres] = await Promise.all([startOrigin(), startRedis(), startPostgres()]);
  const databaseUrl = await postgres.createDatabase('files');
  await migrate({ url: databaseUrl, log: () => undefined });
  const client = s3Client(origin.direct);
  const stop = async (): Promise<void> => {
    client.destroy();
    await Promise.all([origin.stop(), redis.stop(), postgres.stop()]);
  };
  return { origin, client, redis, databaseUrl, token: await operatorToken(), stop };
}
