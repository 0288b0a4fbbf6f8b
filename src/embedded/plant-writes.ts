import pg from 'pg';
import { ORDER_STATUSES, type Order, type OrderStatus } from '../orders/order.js';
import { SECOND } from '../units.js';
import { orderNumber, serialOf } from './plant-catalog.js';

/** A `pg` client or one like it. */
export interface SqlClient {
  query(text: string, values?: unknown[]): Promise<{ rows: Record<string, unknown>[] }>;
}

/** An order whose number the plant is yet to give. */
export type NewOrder = Omit<Order, 'number'>;

/** An order that is neither CLOSED nor CANCELLED. */
export type OpenOrder = Pick<Order, 'id' | 'status' | 'version'>;

/** What the demo plant does to its database, as a program that knows nothing of the gateway. */
export interface PlantWrites {
  insertOrder(order: NewOrder): Promise<Order>;
  /** Gives the order its next status, unless it has another version by now. */
  advanceOrder(id: string, status: OrderStatus, expectedVersion: number): Promise<void>;
  /** At most `limit` orders, by chance, younger ones with better chances. */
  pickOpenOrders(limit: number): Promise<OpenOrder[]>;
  close(): Promise<void>;
}

/** One at a time in the whole database: order numbers are given in turn. */
const NUMBER_LOCK = 7_304_117_002;

/** Opens a small pool of its own, lazily. */
export function openPlantWrites(url: string): PlantWrites {
  const pool = new pg.Pool({ connectionString: url, max: 2, connectionTimeoutMillis: 5 * SECOND, allowExitOnIdle: true });
  // An idle connection that breaks is replaced at its next use.
  pool.on('error', () => undefined);
  return {
    insertOrder: async (order) => inTransaction(await pool.connect(), (client) => insertOrder(client, order)),
    advanceOrder: (id, status, expectedVersion) => advanceOrder(pool, id, status, expectedVersion),
    pickOpenOrders: (limit) => pickOpenOrders(pool, limit),
    close: () => pool.end(),
  };
}

async function advanceOrder(client: SqlClient, id: string, status: OrderStatus, expectedVersion: number): Promise<void> {
  await client.query(
    `update orders set status = $2, version = version + 1, updated_at = greatest(clock_timestamp(), updated_at)
     where id = $1 and version = $3`,
    [id, status, expectedVersion],
  );
}

/** Inserts one order under the next number. Must run in a transaction. */
export async function insertOrder(client: SqlClient, order: NewOrder): Promise<Order> {
  await lockNumbers(client);
  const numbered: Order = { ...order, number: orderNumber((await lastSerial(client)) + 1, order.createdAt) };
  await insertOrders(client, [numbered]);
  return numbered;
}

/** Holds all others off from giving numbers, until the transaction ends. */
export async function lockNumbers(client: SqlClient): Promise<void> {
  await client.query('select pg_advisory_xact_lock($1)', [NUMBER_LOCK]);
}

/** The serial of the newest order, 0 if there is none. */
export async function lastSerial(client: SqlClient): Promise<number> {
  const { rows } = await client.query('select number from orders order by created_at desc, number desc limit 1');
  return rows[0] === undefined ? 0 : serialOf(String(rows[0]['number']));
}

/** Inserts any number of orders in one statement; a few thousand at a time are fastest. */
export async function insertOrders(client: SqlClient, orders: readonly Order[]): Promise<void> {
  const iso = (time: number): string => new Date(time).toISOString();
  await client.query(
    `insert into orders (id, number, status, created_at, updated_at, version, partner_id, customer, product, material,
       quantity, price_minor, currency, file_path)
     select * from unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::int[], $7::text[], $8::text[],
       $9::text[], $10::text[], $11::int[], $12::int[], $13::text[], $14::text[])`,
    [
      orders.map((order) => order.id),
      orders.map((order) => order.number),
      orders.map((order) => order.status),
      orders.map((order) => iso(order.createdAt)),
      orders.map((order) => iso(order.updatedAt)),
      orders.map((order) => order.version),
      orders.map((order) => order.partnerId),
      orders.map((order) => order.customer),
      orders.map((order) => order.product),
      orders.map((order) => order.material),
      orders.map((order) => order.quantity),
      orders.map((order) => order.priceMinor),
      orders.map((order) => order.currency),
      orders.map((order) => order.filePath),
    ],
  );
}

/** As `PlantWrites.pickOpenOrders`. Orders of the last 30 days only, so that the index bounds what is read. */
export async function pickOpenOrders(client: SqlClient, limit: number): Promise<OpenOrder[]> {
  const { rows } = await client.query(
    `select id, status, version from orders
     where created_at > now() - interval '30 days' and status not in ('CLOSED', 'CANCELLED')
     order by random() * (now() - created_at) limit $1`,
    [limit],
  );
  return rows.map((row) => ({ id: String(row['id']), status: asStatus(row['status']), version: Number(row['version']) }));
}

/** @throws RangeError for a status that is not in the flow */
export function asStatus(value: unknown): OrderStatus {
  const status = ORDER_STATUSES.find((known) => known === value);
  if (status === undefined) throw new RangeError(`status must be one of ${ORDER_STATUSES.join(', ')}, but got: ${String(value)}`);
  return status;
}

async function inTransaction<T>(client: pg.PoolClient, work: (client: SqlClient) => Promise<T>): Promise<T> {
  try {
    await client.query('begin');
    const result = await work(client);
    await client.query('commit');
    client.release();
    return result;
  } catch (error) {
    // Closing the connection rolls back, also where a "rollback" would not get through.
    client.release(true);
    throw error;
  }
}
