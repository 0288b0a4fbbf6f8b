import { ORDER_STATUSES } from '../../orders/order.js';
import type { Migration, Plan, Queryable, Step } from './migration.js';

const COLUMNS: readonly (readonly [name: string, definition: string])[] = [
  ['id', 'uuid primary key'],
  ['number', 'text not null'],
  ['status', `text not null check (status in (${ORDER_STATUSES.map((status) => `'${status}'`).join(', ')}))`],
  ['created_at', 'timestamptz not null default now()'],
  ['updated_at', 'timestamptz not null default now()'],
  ['version', 'int not null default 1'],
  ['partner_id', 'text'],
  ['customer', 'text not null'],
  ['product', 'text not null'],
  ['material', 'text not null'],
  ['quantity', 'int not null'],
  ['price_minor', 'int not null'],
  ['currency', 'text not null'],
  ['file_path', 'text'],
];

/** Windows are read by `created_at`; who may read a file is decided by the orders that name it. */
const INDEXES = ['created_at', 'file_path'] as const;

/** The table `orders` and its indexes. A table or view of that name is kept, and must have the columns. */
export const orders: Migration = {
  version: 1,
  name: 'orders',
  async plan(db) {
    const relation = await findOrders(db);
    if (relation === null) return { steps: [createTable(), ...INDEXES.map((column) => createIndex(column, ''))], notes: [] };
    await requireColumns(db);
    return missingIndexes(db, relation);
  },
};

function createTable(): Step {
  const columns = COLUMNS.map(([name, definition]) => `  ${name} ${definition}`).join(',\n');
  return { title: 'create table orders', sql: `create table orders (\n${columns}\n)` };
}

function createIndex(column: string, concurrently: '' | 'concurrently '): Step {
  return {
    title: `create index on orders (${column})`,
    sql: `create index ${concurrently}if not exists orders_${column}_idx on orders (${column})`,
  };
}

/** What kind of relation the name `orders` means on the connection's search path (pg_class.relkind), or `null`. */
async function findOrders(db: Queryable): Promise<string | null> {
  const { rows } = await db.query(`select relkind::text as kind from pg_class where oid = to_regclass('orders')`);
  return rows[0] === undefined ? null : String(rows[0]['kind']);
}

/** Columns are never added to a table of someone else: no default of ours could be right. */
async function requireColumns(db: Queryable): Promise<void> {
  const { rows } = await db.query(
    `select attname::text as name from pg_attribute where attrelid = to_regclass('orders') and attnum > 0 and not attisdropped`,
  );
  const present = new Set(rows.map((row) => row['name']));
  const missing = COLUMNS.filter(([name]) => !present.has(name)).map(
    ([name, definition]) => `${name} ${definition.split(' ')[0] ?? ''}`,
  );
  if (missing.length === 0) return;
  throw new Error(
    `"orders" must have the columns that the gateway reads, but lacks: ${missing.join(', ')}. Add them, or put a view named orders over the table.`,
  );
}

const KINDS: ReadonlyMap<string, string> = new Map([
  ['v', 'a view'],
  ['f', 'a foreign table'],
  ['p', 'a partitioned table'],
]);

async function missingIndexes(db: Queryable, relation: string): Promise<Plan> {
  const missing = [];
  for (const column of INDEXES) if (!(await hasIndex(db, column))) missing.push(column);
  const kind = KINDS.get(relation);
  if (kind !== undefined) {
    const notes = missing.map(
      (column) => `orders is ${kind}: no index is made here; see to it that the tables behind it have one on ${column}.`,
    );
    return { steps: [], notes };
  }
  const steps = [];
  for (const column of missing) steps.push(...(await brokenIndex(db, column)), createIndex(column, 'concurrently '));
  return { steps, notes: [] };
}

/** Whether any usable index over all rows, whatever its name, begins with this column. */
async function hasIndex(db: Queryable, column: string): Promise<boolean> {
  const { rows } = await db.query(
    `select 1 from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
     where i.indrelid = to_regclass('orders') and a.attname = $1 and i.indisvalid and i.indpred is null`,
    [column],
  );
  return rows.length > 0;
}

/** A concurrent build that was interrupted leaves an index that is never used, but keeps the name. */
async function brokenIndex(db: Queryable, column: string): Promise<Step[]> {
  const index = `orders_${column}_idx`;
  const { rows } = await db.query(`select 1 from pg_index where indexrelid = to_regclass($1) and not indisvalid`, [index]);
  return rows.length === 0
    ? []
    : [{ title: `drop the unfinished index ${index}`, sql: `drop index concurrently if exists ${index}` }];
}
