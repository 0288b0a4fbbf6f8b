import { ORDER_STATUSES, type OrderStatus } from '../../src/orders/order.js';
import { LOST_BOUND, REUSE_BOUND, STALE_BOUND } from './bounds.js';

/** One version of an order that is known to be committed. Times are of `performance.now()`, when this process learned of it. */
export interface Change {
  readonly version: number;
  readonly at: number;
  /** The incarnation of a gateway that acknowledged it; `undefined`: nobody did, it was found in the database. */
  readonly by: string | undefined;
  /** From when on its renewal is known to have reached the store. `undefined`: not yet, or never. */
  renewedAt: number | undefined;
}

/** All that is known of one order. */
export interface OrderHistory {
  readonly id: string;
  readonly createdAt: number;
  readonly changes: Change[];
  /** Version → status, as far as known. */
  readonly statuses: Map<number, OrderStatus>;
  /** Changes that were sent, whatever became of them. */
  attempts: number;
  /** One change of an order at a time, so that its history is a line. */
  busy: boolean;
  /** Where it stands; `undefined` after a change that failed in doubt. */
  position: number | undefined;
}

export function newHistory(id: string, createdAt: number): OrderHistory {
  const [first] = ORDER_STATUSES;
  return { id, createdAt, changes: [], statuses: new Map([[1, first]]), attempts: 0, busy: false, position: 0 };
}

/**
 * By which bound an answer is judged, as its outcome says:
 * `exact`: everything but the two others; `reused`: a load of the last second, without the store; `stale`: marked so, and
 * the store was asked for the token; `stale-memory`: marked so, without database and store.
 */
export type Rule = 'exact' | 'reused' | 'stale' | 'stale-memory';

export interface Asked {
  readonly began: number;
  /** The incarnation that answered. */
  readonly by: string;
  readonly rule: Rule;
}

/** The least version that an answer must have, and the one that was acknowledged before it was asked for. */
export function floorOf(order: OrderHistory, asked: Asked): { least: number; acknowledged: number } {
  const floor = { least: 1, acknowledged: 1 };
  for (const change of order.changes) {
    if (dueAt(change, asked) <= asked.began) floor.least = Math.max(floor.least, change.version);
    if (change.by !== undefined && change.at <= asked.began) floor.acknowledged = Math.max(floor.acknowledged, change.version);
  }
  return floor;
}

/** From when on a change must be seen. */
function dueAt({ at, by, renewedAt = Infinity }: Change, asked: Asked): number {
  const own = by === asked.by ? at : Infinity;
  switch (asked.rule) {
    case 'exact':
      return Math.min(own, renewedAt, at + LOST_BOUND);
    case 'reused':
      return Math.min(own, renewedAt + REUSE_BOUND, at + LOST_BOUND + REUSE_BOUND);
    case 'stale':
      return Math.min(own, renewedAt, at + STALE_BOUND);
    case 'stale-memory':
      return at + STALE_BOUND;
  }
}

/** What is known of an order, for a person. */
export function describeHistory(order: OrderHistory): string[] {
  const ms = (time: number): string => `${time.toFixed(1)} ms`;
  return [
    `order ${order.id}, created ${new Date(order.createdAt).toISOString()}, ${order.attempts} changes sent`,
    ...order.changes.map(
      ({ version, at, by, renewedAt }) =>
        `  version ${version} ${by === undefined ? 'found in the database' : `acknowledged by ${by}`} at ${ms(at)}, ` +
        (renewedAt === undefined ? 'renewal not known to have reached Redis' : `in Redis by ${ms(renewedAt)}`),
    ),
  ];
}
