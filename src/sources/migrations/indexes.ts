import type { Plan, Queryable, Step } from './migration.js';
import { KINDS, type OrdersRelation } from './relation.js';

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
  for (const column of missing) steps.push(...(await brokenIndex(db, column)), createIndex(column, 'concurrently '));
  return { steps, notes: [], missingRights: steps.length > 0 ? await missingOwnership(db, relation) : [] };
}

export function createIndex(column: string, concurrently: '' | 'concurrently '): Step {
  return {
    title: `create index on orders (${column})`,
    sql: `create index ${concurrently}if not exists orders_${column}_idx on orders (${column})`,
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
async function brokenIndex(db: Queryable, column: string): Promise<Step[]> {
  const index = `orders_${column}_idx`;
  const { rows } = await db.query(`select 1 from pg_index where indexrelid = to_regclass($1) and not indisvalid`, [index]);
  return rows.length === 0
    ? []
    : [{ title: `drop the unfinished index ${index}`, sql: `drop index concurrently if exists ${index}` }];
}

/** Only the owner of a table may index it. */
async function missingOwnership(db: Queryable, { oid }: OrdersRelation): Promise<string[]> {
  const { rows } = await db.query(
    `select format('grant %I to %I', pg_get_userbyid(relowner), current_user) as statement
     from pg_class where oid = $1 and not pg_has_role(relowner, 'usage')`,
    [oid],
  );
  return rows.map((row) => String(row['statement']));
}
