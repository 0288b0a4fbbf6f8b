import type { Plan, Queryable, Step } from './migration.js';
import { OUTBOX_FUNCTIONS } from './outbox-functions.js';
import { locking } from './outbox-triggers.js';

const TABLES = ['orders_outbox', 'orders_outbox_state'] as const;

/** The way back of 002-outbox: its triggers, functions and tables. `orders`, its rows and its indexes stay. */
export async function planUndo(db: Queryable): Promise<Plan> {
  const { rows } = await db.query(
    `select quote_ident(n.nspname) as schema from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.oid = coalesce(to_regclass('orders'), to_regclass('orders_outbox'))`,
  );
  if (rows[0] === undefined) return { steps: [], notes: [] };
  const place = String(rows[0]['schema']);
  return { steps: [...(await triggers(db, place)), ...(await functions(db, place)), ...(await tables(db, place))], notes: [] };
}

async function triggers(db: Queryable, schema: string): Promise<Step[]> {
  const { rows } = await db.query(
    `select format('%I on %I.%I', t.tgname, n.nspname, c.relname) as trigger
     from pg_trigger t join pg_proc p on p.oid = t.tgfoid join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
     where p.pronamespace = $1::regnamespace and p.proname = any($2) and t.tgparentid = 0
     order by 1`,
    [schema, OUTBOX_FUNCTIONS],
  );
  if (rows.length === 0) return [];
  const names = rows.map((row) => `trigger ${String(row['trigger'])}`);
  return [{ title: `drop ${names.join(', ')}`, sql: locking(names.map((name) => `drop ${name}`)) }];
}

async function functions(db: Queryable, schema: string): Promise<Step[]> {
  const { rows } = await db.query(
    `select proname::text as name from pg_proc where pronamespace = $1::regnamespace and pronargs = 0 and proname = any($2) order by 1`,
    [schema, OUTBOX_FUNCTIONS],
  );
  return rows.map((row) => drop('function', `${schema}.${String(row['name'])}()`));
}

async function tables(db: Queryable, schema: string): Promise<Step[]> {
  const { rows } = await db.query(
    `select relname::text as name from pg_class where relnamespace = $1::regnamespace and relkind = 'r' and relname = any($2) order by 1`,
    [schema, TABLES],
  );
  return rows.map((row) => drop('table', `${schema}.${String(row['name'])}`));
}

function drop(kind: 'function' | 'table', name: string): Step {
  return { title: `drop ${kind} ${name}`, sql: `drop ${kind} ${name}` };
}
