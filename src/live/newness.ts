import { LRUCache } from 'lru-cache';
import type { FeedMode } from '../changes/position.js';
import type { Order } from '../orders/order.js';
import { SECOND, type EpochMilliseconds, type Milliseconds } from '../units.js';

const REMEMBERED = 50_000;
/** How far the clocks of whoever writes and of this process may differ. */
const TOLERANCE: Milliseconds = 5 * SECOND;

/**
 * Whether an order without a known state before is a new one. The outbox knows. A log that polls has forgotten what it
 * has not seen for a while, so there an order is new the first time that it is seen, if it was created after `since`.
 */
export class Newness {
  private readonly known = new LRUCache<string, true>({ max: REMEMBERED });

  constructor(
    private readonly mode: FeedMode | undefined,
    private readonly since: EpochMilliseconds,
  ) {}

  /** To be asked once for each order that has no state before. */
  isNew({ id, createdAt }: Order): boolean {
    if (this.mode !== 'poll') return true;
    if (this.known.has(id)) return false;
    this.known.set(id, true);
    return createdAt >= this.since - TOLERANCE;
  }
}
