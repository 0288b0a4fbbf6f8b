import { ORDER_STATUSES, type OrderStatus } from '../../src/orders/order.js';
import { LOST_BOUND, REUSE_BOUND, STALE_BOUND } from './bounds.js';

/** One version of an order that is known to be committed. Times are of `performance.now()`, when this process learned of it. */
export interface Change {
  readonly version: number;
  readonly at: number;
  /** The incarnation of a gateway that acknowledged it, or OUTSIDE; `undefined`: nobody did, it was found in the database. */
  readonly by: string | undefined;
  /** From when on its renewal is known to have reached the store. `undefined`: not yet, or never. */
  renewedAt: number | undefined;
}

/** In the place of a gateway: another program, to which the database acknowledged the commit. */
export const OUTSIDE = 'another program';

/** From this version on the order is at another moment. */
interface Move {
  readonly version: number;
  readonly createdAt: number;
}

/** All that is known of one order. */
export interface OrderHistory {
  readonly id: string;
  /** Of its first version. */
  readonly createdAt: number;
  /** By version, also those that are about to be committed. */
  readonly moves: Move[];
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
  return { id, createdAt, moves: [], changes: [], version: 1, seen: 1, attempts: 0, busy: false, inDoubt: false };
}

/** The newest version that gateways make. */
export const LAST_VERSION = ORDER_STATUSES.indexOf('CLOSED') + 1;

/** Every version is one step further in the status flow; other programs begin anew at its end. */
export function statusOf(version: number): OrderStatus | undefined {
  return ORDER_STATUSES[(version - 1) % LAST_VERSION];
}

/** Where the order is in this version. */
export function createdAtOf(order: OrderHistory, version: number): number {
  return order.moves.findLast((move) => move.version <= version)?.createdAt ?? order.createdAt;
}

/** Every moment at which the order is in some version from `least` on. */
export function placesFrom(order: OrderHistory, least: number): number[] {
  return [createdAtOf(order, least), ...order.moves.filter(({ version }) => version > least).map(({ createdAt }) => createdAt)];
}

export interface Asked {
  readonly began: number;
  /** The incarnation that answered. */
  readonly by: string;
  /** Of all that was answered; which one is whose is not known. */
  readonly outcomes: ReadonlySet<string>;
  /** Whether the store answered every request meanwhile. */
  readonly storeAnswered: boolean;
}

/** The least version that an answer must have, and those that gateways and other programs had made before it was asked for. */
export function floorOf(order: OrderHistory, asked: Asked): { least: number; acknowledged: number; outside: number } {
  const floor = { least: 1, acknowledged: 1, outside: 1 };
  for (const { version, ...change } of order.changes.toReversed()) {
    if (change.by !== undefined && change.at <= asked.began) {
      const which = change.by === OUTSIDE ? 'outside' : 'acknowledged';
      floor[which] = Math.max(floor[which], version);
    }
    if (dueAt(change, asked) > asked.began) continue;
    // Versions below say nothing more.
    floor.least = version;
    break;
  }
  return floor;
}

type Due = Pick<Change, 'at' | 'by' | 'renewedAt'>;

/** From when on a change must be seen: the latest moment that any of the outcomes allows. */
function dueAt(change: Due, asked: Asked): number {
  return Math.max(...[...asked.outcomes].map((outcome) => dueBy(outcome, change, asked)));
}

function dueBy(outcome: string, { at, by, renewedAt = Infinity }: Due, asked: Asked): number {
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
