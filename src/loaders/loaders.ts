import DataLoader from 'dataloader';
import type { Answer } from '../cache/entity.js';
import type { Trace } from '../cache/outcome.js';
import type { ReadThrough } from '../cache/read-through.js';
import { listKey } from '../orders/keys.js';
import type { OrderList } from '../orders/lists.js';
import type { OrderListing } from '../orders/list-delta.js';
import type { Order } from '../orders/order.js';
import type { Caches } from './caches.js';
import type { CachedFile } from './entities.js';

/** Gathers what the fields of one operation ask for in one tick into one read of the cache. Lives as long as a request. */
export interface Loaders {
  readonly lists: DataLoader<OrderList, Answer<readonly Order[]>, string>;
  readonly orders: DataLoader<string, Answer<Order | null>>;
  readonly files: DataLoader<string, Answer<CachedFile | null>>;
  readonly fileOwners: DataLoader<string, Answer<readonly string[]>>;
}

export function createLoaders(caches: Caches, trace: Trace): Loaders {
  return {
    lists: new DataLoader(async (lists) => (await caches.lists.readMany(lists, trace)).map(ordersOf), { cacheKeyFn: listKey }),
    orders: loaderOf(caches.orders, trace, (id) => id),
    files: loaderOf(caches.files, trace, (path) => path),
    fileOwners: loaderOf(caches.fileOwners, trace, (path) => path),
  };
}

function loaderOf<K, V, C>(cache: ReadThrough<K, V>, trace: Trace, cacheKeyFn: (key: K) => C): DataLoader<K, Answer<V>, C> {
  return new DataLoader((keys) => cache.readMany(keys, trace), { cacheKeyFn });
}

function ordersOf({ value, ...answer }: Answer<OrderListing>): Answer<readonly Order[]> {
  return { ...answer, value: value.orders };
}
