import { ORDER_STATUSES, type OrderStatus } from '../orders/order.js';
import { HOUR, type EpochMilliseconds, type Milliseconds } from '../units.js';
import { randomOfUuid } from './random.js';

/** Where an order stands at some moment. */
export interface Progress {
  readonly status: OrderStatus;
  readonly updatedAt: EpochMilliseconds;
  readonly version: number;
}

/** How long an order usually stays in each status of the flow before it takes the next one. */
const STAYS: readonly Milliseconds[] = [0.2, 0.5, 2, 10, 24, 70, 10, 12, 70].map((hours) => hours * HOUR);
const CANCELLED_SHARE = 0.03;
/** Waits for parts or an answer, so that some old orders are still open. */
const STUCK_SHARE = 0.015;
const STUCK_FACTOR = 6;
const LAST_CANCELLABLE = ORDER_STATUSES.indexOf('PACKAGING');

/**
 * Where the order with this id stands at `now`. It depends on the id alone: asked again later, the same order has gone on
 * along the same path. Two weeks after `createdAt` nearly all are CLOSED.
 */
export function progressAt(id: string, createdAt: EpochMilliseconds, now: EpochMilliseconds): Progress {
  const random = randomOfUuid(id);
  const cancelAfter = random() < CANCELLED_SHARE ? Math.floor(random() * (LAST_CANCELLABLE + 1)) : Infinity;
  const pace = random() < STUCK_SHARE ? STUCK_FACTOR : 1;
  let [step, updatedAt] = [0, createdAt];
  for (const stay of STAYS) {
    const next = Math.round(updatedAt + stay * pace * (0.4 + 1.2 * random()));
    if (next > now) break;
    updatedAt = next;
    if (step === cancelAfter) return { status: 'CANCELLED', updatedAt, version: step + 2 };
    step += 1;
  }
  return { status: ORDER_STATUSES[step] ?? 'CLOSED', updatedAt, version: step + 1 };
}

/** Steps taken since INITIATED; `CANCELLED` counts as beyond all others. */
export function rank(status: OrderStatus): number {
  return ORDER_STATUSES.indexOf(status);
}
