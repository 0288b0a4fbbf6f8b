import { randomUUID } from 'node:crypto';
import { createDatabase, queryOnce, type Row } from './servers/postgres.js';
import { sharedPostgres } from './servers/shared.js';

/** A row of the contract's table `orders`, in the words of SQL. Times are ISO 8601. */
export interface PlantOrder {
  id: string;
  number: string;
  status: string;
  created_at: string;
  updated_at: string;
  version: number;
  partner_id: string | null;
  customer: string;
  product: string;
  material: string;
  quantity: number;
  price_minor: number;
  currency: string;
  file_path: string | null;
}

/** A database as somebody else's MES has it: the contract's table, made by plain SQL, no migration of ours. */
export interface Plant {
  readonly url: string;
  /** Writes rows behind the gateway's back; gives them whole. */
  insert(...orders: readonly Partial<PlantOrder>[]): Promise<PlantOrder[]>;
  /** Changes one row behind the gateway's back. */
  update(id: string, changes: Partial<PlantOrder>): Promise<void>;
  query(sql: string, params?: readonly unknown[]): Promise<Row[]>;
}

export interface PlantOptions {
  readonly orders?: readonly Partial<PlantOrder>[];
  /** The URL of the Postgres to make the database in. Default: the shared one. */
  readonly server?: string;
}

const TABLE = `create table orders (
  id uuid primary key, number text not null, status text not null, created_at timestamptz not null,
  updated_at timestamptz not null, version int not null, partner_id text, customer text not null, product text not null,
  material text not null, quantity int not null, price_minor int not null, currency text not null, file_path text)`;

/** Makes a new database with the given orders. */
export async function freshPlant({ orders = [], server }: PlantOptions = {}): Promise<Plant> {
  const url = await createDatabase(server ?? sharedPostgres().url, `plant_${randomUUID()}`);
  const query = (sql: string, params: readonly unknown[] = []): Promise<Row[]> => queryOnce(url, sql, params);
  await query(TABLE);
  await query('create index on orders (created_at)');
  const plant: Plant = {
    url,
    query,
    insert: async (...given) => {
      const rows = given.map(plantOrder);
      await query('insert into orders select * from json_populate_recordset(null::orders, $1)', [JSON.stringify(rows)]);
      return rows;
    },
    update: async (id, changes) => {
      const columns = Object.keys(changes);
      const sets = columns.map((column, index) => `${column} = $${index + 2}`).join(', ');
      await query(`update orders set ${sets} where id = $1`, [id, ...Object.values(changes)]);
    },
  };
  if (orders.length > 0) await plant.insert(...orders);
  return plant;
}

/** A whole row made of what is given; by default of partner-a, created at 2025-07-24T15:30Z. */
export function plantOrder(given: Partial<PlantOrder> = {}): PlantOrder {
  const created = given.created_at ?? '2025-07-24T15:30:00Z';
  return {
    id: randomUUID(),
    number: 'ORD-1',
    status: 'SUBMITTED',
    created_at: created,
    updated_at: created,
    version: 1,
    partner_id: 'partner-a',
    customer: 'Werk Nord',
    product: 'ring',
    material: 'steel',
    quantity: 1,
    price_minor: 12_950,
    currency: 'EUR',
    file_path: null,
    ...given,
  };
}
