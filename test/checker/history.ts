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
  /** The newest version that is known to be committed. */
  version: number;
  /** The newest version that was read. */
  seen: number;
  /** Changes that were sent, whatever became of them. */
  attempts: number;
  /** One change of an order at a time, so that its history is a line. */
  busy: boolean;
  /** A change failed since the last acknowledgement, and may still be made. */
  inDoubt: boolean;
}

export function newHistory(id: string, createdAt: number): OrderHistory {
  return { id, createdAt, changes: [], version: 1, seen: 1, attempts: 0, busy: false, inDoubt: false };
}

/** Every version is one step further in the status flow. */
export function statusOf(version: number): OrderStatus | undefined {
  return ORDER_STATUSES[version - 1];
}

/** The newest version that an order can have. */
export const LAST_VERSION = ORDER_STATUSES.indexOf('CLOSED') + 1;

export interface Asked {
  readonly began: number;
  /** The incarnation that answered. */
  readonly by: string;
  /** Of all that was answered; which one is whose is not known. */
  readonly outcomes: ReadonlySet<string>;
  /** Whether the store answered every request meanwhile. */
  readonly storeAnswered: boolean;
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

/** From when on a change must be seen: the latest moment that any of the outcomes allows. */
function dueAt(change: Change, asked: Asked): number {
  return Math.max(...[...asked.outcomes].map((outcome) => dueBy(outcome, change, asked)));
}

function dueBy(outcome: string, { at, by, renewedAt = Infinity }: Change, asked: Asked): number {
  const own = by === asked.by ? at : Infinity;
  switch (outcome) {
    // The database was asked after the read began.
    case 'filled':
    case 'bypassed':
      return at;
    case 'reused':
      return Math.min(own, at + REUSE_BOUND);
    case 'stale':
      return Math.min(own, asked.storeAnswered ? renewedAt : Infinity, at + STALE_BOUND);
    default:
      return Math.min(own, renewedAt, at + LOST_BOUND);
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
