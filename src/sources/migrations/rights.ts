import type { Queryable } from './migration.js';

/** As the statement that gives it, none if the role may make objects in the schema (quoted where SQL needs it). */
export async function missingCreate(db: Queryable, schema: string): Promise<string[]> {
  const { rows } = await db.query(
    `select format('grant create on schema %s to %I', $1::text, current_user) as statement
     where not has_schema_privilege($1::regnamespace, 'create')`,
    [schema],
  );
  return rows.map((row) => String(row['statement']));
}

/** As the statement that gives it, none if the role has this right on the table (quoted, with its schema). */
export async function missingOnTable(db: Queryable, table: string, right: 'select' | 'insert'): Promise<string[]> {
  const { rows } = await db.query(
    `select format('grant %s on %s to %I', $2::text, $1::text, current_user) as statement
     where not has_table_privilege($1::regclass, $2)`,
    [table, right],
  );
  return rows.map((row) => String(row['statement']));
}

/** Only the owner of a table may index it; a superuser may do whatever the owner may. */
export async function ownsTable(db: Queryable, oid: string): Promise<boolean> {
  const { rows } = await db.query(`select pg_has_role(relowner, 'usage') as owns from pg_class where oid = $1`, [oid]);
  return rows[0]?.['owns'] === true;
}
