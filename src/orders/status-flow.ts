import { GatewayError } from '../errors.js';
import { ORDER_STATUSES, type OrderStatus } from './order.js';

/** A wish to move one order. */
export interface StatusChange {
  readonly id: string;
  readonly status: OrderStatus;
  /** Nothing happens when the order has another version by now. */
  readonly expectedVersion?: number | undefined;
}

/** Statuses that an order in `from` can get next. */
export function nextStatuses(from: OrderStatus): OrderStatus[] {
  if (from === 'CLOSED' || from === 'CANCELLED') return [];
  const forward = ORDER_STATUSES.slice(ORDER_STATUSES.indexOf(from) + 1).filter((status) => status !== 'CANCELLED');
  return from === 'SHIPPED' ? forward : [...forward, 'CANCELLED'];
}

/**
 * Whether `change` may be made to an order that is in `status` and has `version` now.
 * @throws GatewayError CONFLICT for another version, INVALID_TRANSITION for a status that cannot follow
 */
export function checkChange(change: StatusChange, now: { readonly status: OrderStatus; readonly version: number }): void {
  if (change.expectedVersion !== undefined && change.expectedVersion !== now.version) {
    throw new GatewayError(
      'CONFLICT',
      `Order ${change.id} has version ${now.version} by now, but version ${change.expectedVersion} was expected; read it again.`,
    );
  }
  const next = nextStatuses(now.status);
  if (next.includes(change.status)) return;
  throw new GatewayError(
    'INVALID_TRANSITION',
    `Order ${change.id} cannot go from ${now.status} to ${change.status}; ` +
      (next.length > 0 ? `it can go to: ${next.join(', ')}.` : `nothing follows ${now.status}.`),
  );
}
