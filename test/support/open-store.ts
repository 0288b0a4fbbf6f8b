import { createRedisStore } from '../../src/cache/redis-store.js';
import type { Store } from '../../src/cache/store.js';

/** A store on Redis, once it is connected. */
export async function openRedisStore(urls: readonly string[]): Promise<Store> {
  let store: Store | undefined;
  await new Promise<void>((resolve) => {
    store = createRedisStore(urls, ({ event }) => {
      if (event === 'connected') resolve();
    });
  });
  if (!store) throw new Error('must have a store once it is connected');
  return store;
}
