import { createClient } from '@redis/client';
import { sharedRedis } from './servers/shared.js';

/** Empties the shared Redis database of this jest worker, where earlier test files left their entries; gives its URL. */
export async function emptyRedis(): Promise<string> {
  const { url } = sharedRedis();
  const client = createClient({ url });
  await client.connect();
  await client.flushDb();
  client.destroy();
  return url;
}
