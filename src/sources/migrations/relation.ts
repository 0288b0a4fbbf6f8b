import type { Queryable } from './migration.js';

/** What the name `orders` means on the connection's search path. */
export interface OrdersRelation {
  readonly oid: string;
  /** pg_class.relkind: `r` table, `p` partitioned table, `v` view, `f` foreign table, `m` materialized view. */
  readonly kind: string;
  /** Quoted where SQL needs it; so is `name`, which has the schema in front. */
  readonly schema: string;
  readonly name: string;
  /** Whether it has parts (partitions or other descendants), or is itself a part of another table. */
  readonly divided: boolean;
}

export interface TablePart {
  readonly oid: string;
  readonly name: string;
  readonly kind: string;
}

export async function findOrders(db: Queryable): Promise<OrdersRelation | null> {
  const { rows } = await db.query(
    `select c.oid::text, c.relkind::text as kind, quote_ident(n.nspname) as schema, format('%I.%I', n.nspname, c.relname) as name,
       exists (select from pg_inherits i where c.oid in (i.inhrelid, i.inhparent)) as divided
     from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = to_regclass('orders')`,
  );
  const [row] = rows;
  if (row === undefined) return null;
  return {
    oid: String(row['oid']),
    kind: String(row['kind']),
    schema: String(row['schema']),
    name: String(row['name']),
    divided: row['divided'] === true,
  };
}

/** Where a table without a schema in its name would be made; quoted where SQL needs it. */
export async function currentSchema(db: Queryable): Promise<string> {
  const { rows } = await db.query('select quote_ident(current_schema()) as schema');
  return String(rows[0]?.['schema']);
}

/** The relation itself and everything that is a part of it, at any depth, by name. */
export async function partsOf(db: Queryable, { oid }: OrdersRelation): Promise<TablePart[]> {
  const { rows } = await db.query(
    `with recursive part (oid) as (select $1::oid union select i.inhrelid from pg_inherits i join part on i.inhparent = part.oid)
     select c.oid::text, format('%I.%I', n.nspname, c.relname) as name, c.relkind::text as kind
     from part join pg_class c on c.oid = part.oid join pg_namespace n on n.oid = c.relnamespace order by c.oid <> $1::oid, name`,
    [oid],
  );
  return rows.map((row) => ({ oid: String(row['oid']), name: String(row['name']), kind: String(row['kind']) }));
}

/** What to call a relation that is no ordinary table. */
export const KINDS: ReadonlyMap<string, string> = new Map([
  ['v', 'a view'],
  ['m', 'a materialized view'],
  ['f', 'a foreign table'],
  ['p', 'a partitioned table'],
]);
