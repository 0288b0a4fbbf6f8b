import DataLoader from 'dataloader';
import type { Answer } from '../cache/entity.js';
import type { Trace } from '../cache/outcome.js';
import type { ReadThrough } from '../cache/read-through.js';
import type { Recording } from '../cache/ready-answers.js';
import { listKey } from '../orders/keys.js';
import type { OrderList } from '../orders/lists.js';
import type { Order } from '../orders/order.js';
import type { Caches } from './caches.js';
import type { CachedFile } from './entities.js';
import { claimKey, type Claim } from './ownership.js';

/** Gives one promise for each key: what was answered once during a request does not change while it lasts. */
export interface Loader<K, V> {
  load(key: K): Promise<Answer<V>>;
}

/** Gathers what the fields of one operation ask for in one tick into one read of the cache. Lives as long as a request. */
export interface Loaders {
  readonly lists: Loader<OrderList, readonly Order[]>;
  readonly orders: Loader<string, Order | null>;
  readonly files: Loader<string, CachedFile | null>;
  readonly ownOrders: Loader<Claim, boolean>;
  readonly ownFiles: Loader<Claim, boolean>;
}

/** @param signal ends the waiting of all that is loaded; its reason is what the loads reject with */
export function createLoaders(caches: Caches, trace: Trace, signal?: AbortSignal): Loaders {
  const reader = { trace, signal };
  return {
    lists: loaderOf(caches.lists, reader, listKey),
    orders: loaderOf(caches.orders, reader, (id) => id),
    files: loaderOf(caches.files, reader, (path) => path),
    ownOrders: loaderOf(caches.ownOrders, reader, claimKey),
    ownFiles: loaderOf(caches.ownFiles, reader, claimKey),
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
  ownOrder:
    (claim: Claim) =>
    ({ ownOrders }: Loaders) =>
      ownOrders.load(claim),
  ownFile:
    (claim: Claim) =>
    ({ ownFiles }: Loaders) =>
      ownFiles.load(claim),
};

/** The loaders of `recording`, which notes what is loaded. */
export function recorded(recording: Recording<Loaders>): Loaders {
  return {
    lists: { load: (list) => recording.read(READS.list(list)) },
    orders: { load: (id) => recording.read(READS.order(id)) },
    files: { load: (path) => recording.read(READS.file(path)) },
    ownOrders: { load: (claim) => recording.read(READS.ownOrder(claim)) },
    ownFiles: { load: (claim) => recording.read(READS.ownFile(claim)) },
  };
}

function loaderOf<K, V, C>(
  cache: Pick<ReadThrough<K, V>, 'readMany'>,
  { trace, signal }: { readonly trace: Trace; readonly signal: AbortSignal | undefined },
  cacheKeyFn: (key: K) => C,
): Loader<K, V> {
  return new DataLoader((keys) => cache.readMany(keys, trace, signal), { cacheKeyFn });
}
