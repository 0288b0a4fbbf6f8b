import type { Plan, Queryable, Step } from './migration.js';
import { missingOnTable } from './rights.js';

type TablesPlan = Required<Omit<Plan, 'notes'>>;
export type Column = readonly [name: string, type: string, rest: string];

const REMEDY = 'Remove the outbox (npm run migrate -- --undo) and migrate again.';

const OUTBOX: readonly Column[] = [
  ['id', 'bigint', ' generated always as identity primary key'],
  ['xid', 'xid8', ' not null default pg_current_xact_id()'],
  ['order_id', 'uuid', ' not null'],
  ['origin', 'text', ''],
  ['created_before', 'timestamp with time zone', ''],
  ['created_after', 'timestamp with time zone', ''],
  ['partner_before', 'text', ''],
  ['partner_after', 'text', ''],
  ['file_before', 'text', ''],
  ['file_after', 'text', ''],
  ['at', 'timestamp with time zone', ' not null default clock_timestamp()'],
];

const STATE: readonly Column[] = [
  ['singleton', 'boolean', ' primary key default true check (singleton)'],
  ['pruned', 'xid8', ` not null default '0'`],
];

/** What of the outbox's tables is missing in the schema. @throws Error if one is there that is not as it should be */
export async function planTables(db: Queryable, schema: string): Promise<TablesPlan> {
  const outbox = await tableStep(db, `${schema}.orders_outbox`, OUTBOX);
  const index = await indexSteps(db, schema, outbox.length > 0);
  const state = await planState(db, `${schema}.orders_outbox_state`);
  return { steps: [...outbox, ...index, ...state.steps], missingRights: state.missingRights };
}

/** Whether a table that is there has its row, only a role that may read it can tell. */
async function planState(db: Queryable, table: string): Promise<TablesPlan> {
  const create = await tableStep(db, table, STATE);
  const fill = { title: `fill ${table}`, sql: `insert into ${table} default values on conflict do nothing` };
  if (create.length > 0) return { steps: [...create, fill], missingRights: [] };
  const unreadable = await missingOnTable(db, table, 'select');
  if (unreadable.length > 0) return { steps: [], missingRights: unreadable };
  const { rows } = await db.query(`select 1 from ${table}`);
  return rows.length > 0
    ? { steps: [], missingRights: [] }
    : { steps: [fill], missingRights: await missingOnTable(db, table, 'insert') };
}

/** Makes the table, unless it is there. @throws Error if one is there that is not as it should be */
export async function tableStep(
  db: Queryable,
  table: string,
  columns: readonly Column[],
  { constraints = [], remedy = REMEDY }: { readonly constraints?: readonly string[]; readonly remedy?: string } = {},
): Promise<Step[]> {
  const { rows } = await db.query(
    `select c.relkind::text as kind, a.attname::text as name, format_type(a.atttypid, a.atttypmod) as type,
       a.atthasdef or a.attidentity <> '' as filled
     from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
     where c.oid = to_regclass($1)`,
    [table],
  );
  if (rows.length === 0) {
    const lines = [...columns.map(([name, type, rest]) => `  ${name} ${type}${rest}`), ...constraints.map((each) => `  ${each}`)];
    return [{ title: `create table ${table}`, sql: `create table ${table} (\n${lines.join(',\n')}\n)` }];
  }
  const present = new Map(rows.map((row) => [row['name'], row]));
  const wrong = columns.filter(([name, type, rest]) => {
    const found = present.get(name);
    return found?.['kind'] !== 'r' || found['type'] !== type || (/default|identity/.test(rest) && found['filled'] !== true);
  });
  if (wrong.length === 0) return [];
  const expected = wrong.map(([name, type, rest]) => `${name} ${type}${rest}`).join(', ');
  throw new Error(`"${table}" must be the gateway's own table, but lacks: ${expected}. ${remedy}`);
}

async function indexSteps(db: Queryable, schema: string, tableIsNew: boolean): Promise<Step[]> {
  const name = 'orders_outbox_xid';
  const { rows } = await db.query(`select indisvalid as valid from pg_index where indexrelid = to_regclass($1)`, [
    `${schema}.${name}`,
  ]);
  if (rows[0]?.['valid'] === true) return [];
  const create = {
    title: `create index ${name}`,
    sql: `create index ${tableIsNew ? '' : 'concurrently '}if not exists ${name} on ${schema}.orders_outbox (xid)`,
  };
  if (rows.length === 0) return [create];
  const drop = { title: `drop the unfinished index ${name}`, sql: `drop index concurrently if exists ${schema}.${name}` };
  return [drop, create];
}
