import pg from 'pg';
import type { Order } from '../orders/order.js';
import { DAY, SECOND, type Clock, type EpochMilliseconds, type Milliseconds } from '../units.js';
import { modelOf } from './plant-catalog.js';
import { progressAt, rank } from './plant-life.js';
import { asStatus, insertOrders, lastSerial, lockNumbers, type SqlClient } from './plant-writes.js';
import { generateOrders } from './plant.js';

export interface SeedOptions {
  /** A database with the table `orders`, of the demo only. */
  readonly url: string;
  readonly log: (line: string) => void;
  readonly clock: Clock;
  /** IANA name; busy hours are of this zone. */
  readonly timeZone?: string;
  readonly seed?: string;
}

export interface SeedResult {
  readonly inserted: number;
  /** Open orders whose status was brought up to their age. */
  readonly advanced: number;
}

const HISTORY: Milliseconds = 90 * DAY;
const BATCH = 4_000;
const WORTH_ANALYSING = 1_000;

/**
 * Makes the demo plant look lived in until now: 90 days of orders in an empty table; otherwise the orders since the newest one,
 * and open orders moved on to where their age has them. All in one transaction, so a kill leaves the table as it was.
 */
export async function seedPlant(options: SeedOptions): Promise<SeedResult> {
  const client = new pg.Client({ connectionString: options.url, connectionTimeoutMillis: 10 * SECOND });
  client.on('error', () => undefined);
  await client.connect();
  try {
    await client.query('begin');
    await lockNumbers(client);
    const now = options.clock();
    const advanced = await advanceOpenOrders(client, now);
    const inserted = await fillUntil(client, now, options);
    await client.query('commit');
    if (inserted >= WORTH_ANALYSING) await client.query('analyze orders');
    if (inserted + advanced > 0) options.log(`The demo plant has ${inserted} new orders; ${advanced} older ones moved on.`);
    return { inserted, advanced };
  } finally {
    // Ending the session rolls back what was not committed.
    await client.end();
  }
}

async function fillUntil(
  client: SqlClient,
  now: EpochMilliseconds,
  { log, timeZone = 'UTC', seed = 'demo plant' }: SeedOptions,
): Promise<number> {
  const newest = await newestCreation(client);
  const from = Math.max(now - HISTORY, newest === null ? 0 : newest + 1);
  if (newest === null) log('Making a demo plant with 90 days of orders …');
  const serial = await lastSerial(client);
  const plant = { from, to: now, now, seed: `${seed} ${from}`, utcOffset: utcOffset(timeZone, now) };
  let inserted = 0;
  for (const batch of batches(generateOrders(serial === 0 ? plant : { ...plant, firstSerial: serial + 1 }), BATCH)) {
    await insertOrders(client, batch);
    inserted += batch.length;
  }
  return inserted;
}

async function newestCreation(client: SqlClient): Promise<EpochMilliseconds | null> {
  const { rows } = await client.query('select max(created_at) as newest from orders');
  const newest = rows[0]?.['newest'];
  return newest instanceof Date ? newest.getTime() : null;
}

function* batches(orders: Iterable<Order>, size: number): Generator<Order[], void, undefined> {
  let batch: Order[] = [];
  for (const order of orders) {
    batch.push(order);
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

interface Move {
  readonly id: string;
  readonly status: string;
  readonly updatedAt: string;
  readonly version: number;
  readonly filePath: string | null;
}

async function advanceOpenOrders(client: SqlClient, now: EpochMilliseconds): Promise<number> {
  const { rows } = await client.query(
    `select id, status, version, created_at, product, file_path from orders where status not in ('CLOSED', 'CANCELLED') for update`,
  );
  const moves = rows.flatMap((row) => moveOf(row, now));
  if (moves.length === 0) return 0;
  await client.query(
    `update orders set status = move.status, updated_at = greatest(orders.updated_at, move.updated_at), version = move.version, file_path = move.file_path
     from unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::int[], $5::text[]) as move (id, status, updated_at, version, file_path)
     where orders.id = move.id`,
    [
      moves.map((move) => move.id),
      moves.map((move) => move.status),
      moves.map((move) => move.updatedAt),
      moves.map((move) => move.version),
      moves.map((move) => move.filePath),
    ],
  );
  return moves.length;
}

/** Nothing for an order that is where it should be, or further (someone moved it). */
function moveOf(row: Record<string, unknown>, now: EpochMilliseconds): Move[] {
  const { id, status, version, created_at: createdAt, product, file_path: filePath } = row;
  if (typeof id !== 'string' || !(createdAt instanceof Date)) return [];
  const current = asStatus(status);
  const progress = progressAt(id, createdAt.getTime(), now);
  const steps = rank(progress.status) - rank(current);
  const cancelled = progress.status === 'CANCELLED';
  if (steps <= 0 || (cancelled && current === 'SHIPPED')) return [];
  const uploadedNow = current === 'INITIATED' && !cancelled;
  return [
    {
      id,
      status: progress.status,
      updatedAt: new Date(progress.updatedAt).toISOString(),
      version: Number(version) + (cancelled ? 1 : steps),
      filePath: uploadedNow ? modelOf(String(product)) : typeof filePath === 'string' ? filePath : null,
    },
  ];
}

/** The zone's time minus UTC at this moment. */
function utcOffset(timeZone: string, at: EpochMilliseconds): Milliseconds {
  const local = new Date(at).toLocaleString('sv-SE', { timeZone });
  return Date.parse(`${local.replace(' ', 'T')}Z`) - Math.floor(at / SECOND) * SECOND;
}
