import type { ReadThrough } from '../cache/read-through.js';
import type { OrderList } from '../orders/lists.js';
import type { Order } from '../orders/order.js';
import type { CachedFile } from './entities.js';
import type { Claim } from './ownership.js';

/** The caches of one process, shared by all requests. They know nothing of viewers; the last two, of partners. */
export interface Caches {
  readonly lists: Pick<ReadThrough<OrderList, readonly Order[]>, 'readMany' | 'flush'>;
  readonly orders: ReadThrough<string, Order | null>;
  readonly files: ReadThrough<string, CachedFile | null>;
  readonly ownOrders: ReadThrough<Claim, boolean>;
  readonly ownFiles: ReadThrough<Claim, boolean>;
}
