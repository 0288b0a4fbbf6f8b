import type { EpochMilliseconds } from '../units.js';
import { ORDER_STATUSES, type Order, type OrderStatus } from '../orders/order.js';

/** Columns of the contract's table `orders`, with the types that `information_schema` may name for each. */
export const ORDER_COLUMNS: Readonly<Record<string, readonly string[]>> = {
  id: ['uuid'],
  number: ['text', 'character varying'],
  status: ['text', 'character varying'],
  created_at: ['timestamp with time zone'],
  updated_at: ['timestamp with time zone'],
  version: ['integer', 'smallint', 'bigint'],
  partner_id: ['text', 'character varying'],
  customer: ['text', 'character varying'],
  product: ['text', 'character varying'],
  material: ['text', 'character varying'],
  quantity: ['integer', 'smallint', 'bigint'],
  price_minor: ['integer', 'smallint', 'bigint'],
  currency: ['text', 'character varying', 'character'],
  file_path: ['text', 'character varying'],
};

/** Times come as whole milliseconds, floored, so that a row never leaves the window that the database found it in. */
export const ORDER_SELECTION = `id::text, number, status::text, ${milliseconds('created_at')}, ${milliseconds('updated_at')},
  version::int, partner_id, customer, product, material, quantity::int, price_minor::int, currency, file_path`;

/** One row of `ORDER_SELECTION`. What the contract calls never null may still be null in somebody's table. */
export type OrderRow = Record<string, string | number | null>;

/** Selects a time as `EpochMilliseconds`, floored, under the name of its column. */
export function milliseconds(column: string): string {
  return `(extract(epoch from date_trunc('milliseconds', ${column})) * 1000)::float8 as ${column}`;
}

/** A value that the contract does not allow. The message names the row and the column; for the log only. */
export class RowError extends Error {
  override readonly name = 'RowError';
}

/** @throws RowError */
export function toOrder(row: OrderRow): Order {
  return {
    id: text(row, 'id'),
    number: text(row, 'number'),
    status: status(row),
    createdAt: time(row, 'created_at'),
    updatedAt: time(row, 'updated_at'),
    version: number(row, 'version'),
    partnerId: optionalText(row, 'partner_id'),
    customer: text(row, 'customer'),
    product: text(row, 'product'),
    material: text(row, 'material'),
    quantity: number(row, 'quantity'),
    priceMinor: number(row, 'price_minor'),
    currency: text(row, 'currency'),
    filePath: optionalText(row, 'file_path'),
  };
}

function text(row: OrderRow, column: string): string {
  const value = row[column];
  return typeof value === 'string' ? value : refuse(row, column, 'text');
}

function optionalText(row: OrderRow, column: string): string | null {
  return row[column] === null ? null : text(row, column);
}

function number(row: OrderRow, column: string): number {
  const value = row[column];
  return typeof value === 'number' ? value : refuse(row, column, 'a number');
}

/** Also refuses Postgres's `infinity`, of which no list can be named. */
function time(row: OrderRow, column: string): EpochMilliseconds {
  const value = Math.round(number(row, column));
  return Number.isNaN(new Date(value).getTime()) ? refuse(row, column, 'a time from 271822 BC to 275760') : value;
}

function status(row: OrderRow): OrderStatus {
  const value = row.status as OrderStatus;
  return ORDER_STATUSES.includes(value) ? value : refuse(row, 'status', `one of ${ORDER_STATUSES.join(', ')}`);
}

function refuse(row: OrderRow, column: string, expected: string): never {
  throw new RowError(`orders.${column} must be ${expected}, but order ${String(row.id)} has: ${JSON.stringify(row[column])}`);
}
