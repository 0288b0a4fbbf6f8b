import type { ReadThrough } from '../cache/read-through.js';
import type { OrderList } from '../orders/lists.js';
import type { OrderListing } from '../orders/list-delta.js';
import type { Order } from '../orders/order.js';
import type { CachedFile } from './entities.js';

/** The caches of one process, shared by all requests. They know nothing of viewers. */
export interface Caches {
  readonly lists: ReadThrough<OrderList, OrderListing>;
  readonly orders: ReadThrough<string, Order | null>;
  readonly files: ReadThrough<string, CachedFile | null>;
  readonly fileOwners: ReadThrough<string, readonly string[]>;
}
