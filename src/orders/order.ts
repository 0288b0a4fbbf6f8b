import { GatewayError, quoted } from '../errors.js';
import type { EpochMilliseconds } from '../units.js';

/** In the order of the status flow; `CANCELLED` stands outside of it. */
export const ORDER_STATUSES = [
  'INITIATED',
  'FILE_UPLOADED',
  'SUBMITTED',
  'PRICE_CALCULATED',
  'MANUFACTURING_APPROVED',
  'MANUFACTURING_STARTED',
  'MANUFACTURING_COMPLETED',
  'PACKAGING',
  'SHIPPED',
  'CLOSED',
  'CANCELLED',
] as const;

export type OrderStatus = (typeof ORDER_STATUSES)[number];

/** One row of the MES table `orders`. Times are floored to milliseconds; `id` is a lower-case UUID. */
export interface Order {
  readonly id: string;
  readonly number: string;
  readonly status: OrderStatus;
  readonly createdAt: EpochMilliseconds;
  readonly updatedAt: EpochMilliseconds;
  readonly version: number;
  readonly partnerId: string | null;
  readonly customer: string;
  readonly product: string;
  readonly material: string;
  readonly quantity: number;
  readonly priceMinor: number;
  readonly currency: string;
  readonly filePath: string | null;
}

/** Newest first; orders of the same millisecond by id, descending. A total order, so cursors are exact. */
export function newestFirst(a: Order, b: Order): number {
  return b.createdAt - a.createdAt || (a.id < b.id ? 1 : a.id > b.id ? -1 : 0);
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * @param argument what the caller knows it as
 * @returns the id as orders have it
 * @throws GatewayError BAD_USER_INPUT if it is no UUID
 */
export function checkedOrderId(id: string, argument = 'id'): string {
  if (UUID.test(id)) return id.toLowerCase();
  throw new GatewayError('BAD_USER_INPUT', `"${argument}" must be a UUID, but got: ${quoted(id)}.`);
}
