import type { Migration, Plan, Queryable, Step } from './migration.js';
import { tableStep, type Column } from './outbox-tables.js';
import { currentSchema, findOrders } from './relation.js';
import { missingCreate, ownsTable } from './rights.js';

/** `execute function` came with it. */
const VERSION_MIN = 11;

const NAME = 'orders_audit';
const GUARD = 'orders_audit_append_only';

const COLUMNS: readonly Column[] = [
  ['at', 'timestamp with time zone', ' not null default clock_timestamp()'],
  ['id', 'bigint', ' generated always as identity'],
  ['way', 'text', ' not null'],
  ['subject', 'text', ' not null'],
  ['role', 'text', ' not null'],
  ['partner_id', 'text', ''],
  ['request_id', 'text', ' not null'],
  ['order_id', 'uuid', ''],
  ['order_number', 'text', ''],
  ['status_before', 'text', ''],
  ['status_after', 'text', ''],
  ['version_before', 'integer', ''],
  ['version_after', 'integer', ''],
  ['file_path', 'text', ''],
  ['etag_before', 'text', ''],
  ['etag_after', 'text', ''],
];

/** What each record has, as `format_type` calls the types. */
export const AUDIT_COLUMNS: readonly (readonly [name: string, type: string])[] = COLUMNS.map(([name, type]) => [name, type]);

/** The log is read newest first: all of it, of one order, of one file, of one caller. */
const TABLE = {
  constraints: ['primary key (at, id)', 'check ((order_id is null) <> (file_path is null))'],
  remedy: 'It seems to be of another program: rename it, and migrate again.',
};
const INDEXES: readonly (readonly [name: string, definition: string])[] = [
  ['orders_audit_order', '(order_id, at, id) where order_id is not null'],
  ['orders_audit_file', '(file_path, at, id) where file_path is not null'],
  ['orders_audit_subject', '(subject, at, id)'],
];

/** A table beside `orders` that says who changed what, and a trigger that lets nobody change what it says. */
export const audit: Migration = {
  label: '003-audit',
  async plan(db) {
    const { rows } = await db.query(`select current_setting('server_version_num')::int / 10000 as version`);
    if (Number(rows[0]?.['version']) < VERSION_MIN) {
      return { steps: [], notes: [`no audit log: it needs Postgres ${VERSION_MIN} or later.`] };
    }
    const schema = (await findOrders(db))?.schema ?? (await currentSchema(db));
    const table = `${schema}.${NAME}`;
    const create = await tableStep(db, table, COLUMNS, TABLE);
    const steps = [...create, ...(await indexSteps(db, schema)), ...(await guardSteps(db, schema))];
    if (steps.length === 0) return { steps, notes: [] };
    return { steps, notes: [grants(table)], missingRights: await missingRights(db, schema, steps, create.length > 0) };
  },
};

/** The way back, only when asked for: the records are gone with it. @throws Error if the table is of somebody else */
export async function planUndoAudit(db: Queryable): Promise<Plan> {
  const { rows } = await db.query(
    `select quote_ident(n.nspname) as schema from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = to_regclass($1)`,
    [NAME],
  );
  if (!rows[0]) return { steps: [], notes: [] };
  const schema = String(rows[0]['schema']);
  await tableStep(db, `${schema}.${NAME}`, COLUMNS, TABLE);
  const steps = [
    { title: `drop table ${schema}.${NAME}`, sql: `drop table ${schema}.${NAME}` },
    { title: `drop function ${schema}.${GUARD}()`, sql: `drop function if exists ${schema}.${GUARD}()` },
  ];
  return { steps, notes: [] };
}

async function indexSteps(db: Queryable, schema: string): Promise<Step[]> {
  const steps: Step[] = [];
  for (const [name, definition] of INDEXES) {
    const { rows } = await db.query(`select to_regclass($1) is not null as present`, [`${schema}.${name}`]);
    if (rows[0]?.['present'] === true) continue;
    steps.push({ title: `create index ${name}`, sql: `create index if not exists ${name} on ${schema}.${NAME} ${definition}` });
  }
  return steps;
}

/** The trigger is of the kind that fires also for those who replicate; TRUNCATE has no row triggers, so it is per statement. */
async function guardSteps(db: Queryable, schema: string): Promise<Step[]> {
  const table = `${schema}.${NAME}`;
  const { rows } = await db.query(
    `select t.tgenabled = 'A' and t.tgtype = 58 and p.proname = $2 and p.prosrc = $3 as guarded
     from pg_trigger t join pg_proc p on p.oid = t.tgfoid where t.tgrelid = to_regclass($1) and t.tgname = $2`,
    [table, GUARD, BODY],
  );
  if (rows[0]?.['guarded'] === true) return [];
  const sql = `begin;
create or replace function ${schema}.${GUARD}() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $guard$${BODY}$guard$;
drop trigger if exists ${GUARD} on ${table};
create trigger ${GUARD} before update or delete or truncate on ${table}
  for each statement execute function ${schema}.${GUARD}();
alter table ${table} enable always trigger ${GUARD};
commit`;
  return [{ title: `create trigger ${GUARD} on ${table}`, sql }];
}

const BODY = `
begin
  raise exception '% of % is refused: the audit log is append-only', tg_op, tg_relid::regclass
    using errcode = 'insufficient_privilege', hint = 'Its owner may disable the trigger ${GUARD} to remove what is too old.';
end
`;

async function missingRights(db: Queryable, schema: string, steps: readonly Step[], tableIsNew: boolean): Promise<string[]> {
  const { rows } = await db.query(`select to_regclass($1)::oid::text as oid`, [`${schema}.${NAME}`]);
  if (tableIsNew || (await ownsTable(db, String(rows[0]?.['oid'])))) return missingCreate(db, schema);
  return steps.map(({ sql }) => sql);
}

function grants(table: string): string {
  return `what the gateway's own role needs, with its name for "mes": grant select, insert on ${table} to mes;`;
}
