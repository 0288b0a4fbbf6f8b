import type { Plan, Queryable, Step } from './migration.js';
import { KINDS, type OrdersRelation } from './relation.js';
import { missingCreate, ownsTable } from './rights.js';

/** What an existing `orders` lacks of indexes on these columns. They are built without locking writers out. */
export async function missingIndexes(db: Queryable, relation: OrdersRelation, columns: readonly string[]): Promise<Plan> {
  const missing = [];
  for (const column of columns) if (!(await hasIndex(db, column))) missing.push(column);
  const kind = KINDS.get(relation.kind);
  if (kind !== undefined) {
    const notes = missing.map(
      (column) => `orders is ${kind}: no index is made here; see to it that the tables behind it have one on ${column}.`,
    );
    return { steps: [], notes };
  }
  const steps = [];
  for (const column of missing) {
    steps.push(...(await brokenIndex(db, relation, column)), createIndex(column, relation.name, 'concurrently '));
  }
  return { steps, notes: [], missingRights: steps.length > 0 ? await missingRights(db, relation, steps) : [] };
}

export function createIndex(column: string, table: string, concurrently: '' | 'concurrently '): Step {
  return {
    title: `create index on orders (${column})`,
    sql: `create index ${concurrently}if not exists orders_${column}_idx on ${table} (${column})`,
  };
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
async function brokenIndex(db: Queryable, { schema }: OrdersRelation, column: string): Promise<Step[]> {
  const name = `orders_${column}_idx`;
  const index = `${schema}.${name}`;
  const { rows } = await db.query(`select 1 from pg_index where indexrelid = to_regclass($1) and not indisvalid`, [index]);
  return rows.length === 0
    ? []
    : [{ title: `drop the unfinished index ${name}`, sql: `drop index concurrently if exists ${index}` }];
}

/** The owner runs the statements: to be a member of the owner's role would give far more than two indexes, of a superuser's everything. */
async function missingRights(db: Queryable, { oid, schema }: OrdersRelation, steps: readonly Step[]): Promise<string[]> {
  return (await ownsTable(db, oid)) ? missingCreate(db, schema) : steps.map(({ sql }) => sql);
}
