import { ORDER_COLUMNS } from '../order-row.js';
import type { Migration, Plan, Queryable } from './migration.js';
import { functionSteps } from './outbox-functions.js';
import { planTables } from './outbox-tables.js';
import { triggersFor, triggerSteps, type PlacedTrigger } from './outbox-triggers.js';
import { currentSchema, findOrders, KINDS, partsOf, type OrdersRelation } from './relation.js';
import { missingCreate } from './rights.js';

/** `pg_current_xact_id` and `xid8` came with it. */
const VERSION_MIN = 13;

/** What the triggers copy; the other columns are only compared. */
const COPIED = ['id', 'created_at', 'partner_id', 'file_path'] as const;

/** Two tables beside `orders` and the triggers that record its changes in them, in the transaction that makes the change. */
export const outbox: Migration = {
  label: '002-outbox',
  async plan(db) {
    const relation = (await findOrders(db)) ?? (await futureOrders(db));
    const obstacle = (await oldServer(db)) ?? unwatchable(relation) ?? (await misfit(db, relation));
    return obstacle === undefined ? planFor(db, relation) : { steps: [], notes: [obstacle] };
  },
};

async function planFor(db: Queryable, relation: OrdersRelation): Promise<Plan> {
  const { schema } = relation;
  const found = await partsOf(db, relation);
  const triggers = triggersFor(relation, found.length > 0 ? found : [relation]);
  const tables = await planTables(db, schema);
  const functions = await functionSteps(db, schema, [...new Set(triggers.map(({ fn }) => fn))]);
  const steps = [...tables.steps, ...functions, ...(await triggerSteps(db, schema, triggers))];
  if (steps.length === 0) return { steps, notes: [], missingRights: tables.missingRights };
  const creates = [...tables.steps, ...functions].some(({ title }) => /^(create|replace) /.test(title));
  const onSchema = creates ? await missingCreate(db, schema) : [];
  const missingRights = [...onSchema, ...(await missingOnOrders(db, triggers)), ...tables.missingRights];
  return { steps, missingRights, notes: [grants(relation), ...(await preparedTransactions(db))] };
}

/** In a dry run, the first migration may have yet to make the table. */
async function futureOrders(db: Queryable): Promise<OrdersRelation> {
  const schema = await currentSchema(db);
  return { oid: '0', kind: 'r', schema, name: `${schema}.orders`, divided: false };
}

async function oldServer(db: Queryable): Promise<string | undefined> {
  const { rows } = await db.query(`select current_setting('server_version_num')::int / 10000 as version`);
  const version = Number(rows[0]?.['version']);
  if (version >= VERSION_MIN) return undefined;
  return `no outbox: it needs Postgres ${VERSION_MIN} or later, but this is ${version}. Changes by other programs are seen when entries expire.`;
}

function unwatchable({ kind, name }: OrdersRelation): string | undefined {
  if (kind === 'r' || kind === 'p') return undefined;
  return (
    `no outbox: ${name} is ${KINDS.get(kind) ?? 'no table'}, and what changes the tables behind it fires no trigger of its own. ` +
    'Set CHANGE_FEED=poll; an index on updated_at of the tables behind it makes that cheap.'
  );
}

async function misfit(db: Queryable, { oid, name }: OrdersRelation): Promise<string | undefined> {
  const { rows } = await db.query(
    `select a.attname::text as column, format_type(coalesce(nullif(t.typbasetype, 0), t.oid), null) as type
     from pg_attribute a join pg_type t on t.oid = a.atttypid where a.attrelid = $1 and a.attname = any($2)`,
    [oid, COPIED],
  );
  const wrong = rows.filter((row) => ORDER_COLUMNS[String(row['column'])]?.includes(String(row['type'])) !== true);
  if (wrong.length === 0) return undefined;
  const columns = wrong.map(
    ({ column, type }) => `${String(column)} must be ${ORDER_COLUMNS[String(column)]?.[0] ?? ''}, but is ${String(type)}`,
  );
  return `no outbox: in ${name}, ${columns.join('; ')}.`;
}

/** As the statements that give them. The function for TRUNCATE reads the rows with the rights of who migrates. */
async function missingOnOrders(db: Queryable, triggers: readonly PlacedTrigger[]): Promise<string[]> {
  const { rows } = await db.query(
    `select distinct format('grant select, trigger on %s to %I', oid::regclass, current_user) as statement from unnest($1::oid[]) as oid
     where not (has_table_privilege(oid, 'select') and has_table_privilege(oid, 'trigger'))`,
    [triggers.map(({ table }) => table.oid)],
  );
  return rows.map((row) => String(row['statement']));
}

function grants({ schema, name }: OrdersRelation): string {
  return (
    `what the gateway's own role needs, with its name for "mes": grant select, update on ${name} to mes; grant select, delete on ${schema}.orders_outbox to mes; ` +
    `grant select, update on ${schema}.orders_outbox_state to mes;`
  );
}

async function preparedTransactions(db: Queryable): Promise<string[]> {
  const { rows } = await db.query(`select current_setting('max_prepared_transactions')::int > 0 as allowed`);
  if (rows[0]?.['allowed'] !== true) return [];
  return [
    `this server allows PREPARE TRANSACTION, but not after NOTIFY, which the triggers send. For a role "xa" that uses it: ` +
      `alter role xa set mes_gateway.notify = 'off' (as a superuser); its changes are then seen by the slow poll.`,
  ];
}
