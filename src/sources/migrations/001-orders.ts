import { ORDER_STATUSES } from '../../orders/order.js';
import { createIndex, missingIndexes } from './indexes.js';
import type { Migration, Queryable, Step } from './migration.js';
import { currentSchema, findOrders } from './relation.js';
import { missingCreate } from './rights.js';

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
  label: '001-orders',
  async plan(db) {
    const relation = await findOrders(db);
    if (relation !== null) {
      await requireColumns(db);
      return missingIndexes(db, relation, INDEXES);
    }
    const steps = [createTable(), ...INDEXES.map((column) => createIndex(column, 'orders', ''))];
    return { steps, notes: [], missingRights: await missingCreate(db, await currentSchema(db)) };
  },
};

function createTable(): Step {
  const columns = COLUMNS.map(([name, definition]) => `  ${name} ${definition}`).join(',\n');
  return { title: 'create table orders', sql: `create table orders (\n${columns}\n)` };
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
