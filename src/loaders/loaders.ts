import DataLoader from 'dataloader';
import type { Answer } from '../cache/entity.js';
import type { Trace } from '../cache/outcome.js';
import type { ReadThrough } from '../cache/read-through.js';
import type { Recording } from '../cache/ready-answers.js';
import { listKey } from '../orders/keys.js';
import type { OrderList } from '../orders/lists.js';
import type { OrderListing } from '../orders/list-delta.js';
import type { Order } from '../orders/order.js';
import type { Caches } from './caches.js';
import type { CachedFile } from './entities.js';

/** Gives one promise for each key: what was answered once during a request does not change while it lasts. */
export interface Loader<K, V> {
  load(key: K): Promise<Answer<V>>;
}

/** Gathers what the fields of one operation ask for in one tick into one read of the cache. Lives as long as a request. */
export interface Loaders {
  readonly lists: Loader<OrderList, readonly Order[]>;
  readonly orders: Loader<string, Order | null>;
  readonly files: Loader<string, CachedFile | null>;
  readonly fileOwners: Loader<string, readonly string[]>;
}

export function createLoaders(caches: Caches, trace: Trace): Loaders {
  return {
    lists: new DataLoader(async (lists) => (await caches.lists.readMany(lists, trace)).map(ordersOf), { cacheKeyFn: listKey }),
    orders: loaderOf(caches.orders, trace, (id) => id),
    files: loaderOf(caches.files, trace, (path) => path),
    fileOwners: loaderOf(caches.fileOwners, trace, (path) => path),
  };
}

/** Reads by whoever's loaders. Made out here, so that one that is kept holds its key and nothing of the request it came from. */
const READS = {
  list:
    (list: OrderList) =>
    ({ lists }: Loaders) =>
      lists.load(list),
  order:
    (id: string) =>
    ({ orders }: Loaders) =>
      orders.load(id),
  file:
    (path: string) =>
    ({ files }: Loaders) =>
      files.load(path),
  fileOwners:
    (path: string) =>
    ({ fileOwners }: Loaders) =>
      fileOwners.load(path),
};

/** The loaders of `recording`, which notes what is loaded. */
export function recorded(recording: Recording<Loaders>): Loaders {
  return {
    lists: { load: (list) => recording.read(READS.list(list)) },
    orders: { load: (id) => recording.read(READS.order(id)) },
    files: { load: (path) => recording.read(READS.file(path)) },
    fileOwners: { load: (path) => recording.read(READS.fileOwners(path)) },
  };
}

function loaderOf<K, V, C>(cache: ReadThrough<K, V>, trace: Trace, cacheKeyFn: (key: K) => C): Loader<K, V> {
  return new DataLoader((keys) => cache.readMany(keys, trace), { cacheKeyFn });
}

function ordersOf({ value, ...answer }: Answer<OrderListing>): Answer<readonly Order[]> {
  return { ...answer, value: value.orders };
}
