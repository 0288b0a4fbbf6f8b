import type { Queryable, Step } from './migration.js';
import type { OutboxFunction } from './outbox-functions.js';
import type { OrdersRelation, TablePart } from './relation.js';

interface Trigger {
  readonly name: string;
  readonly fn: OutboxFunction;
  /** pg_trigger.tgtype: 1 per row, 2 before, 4 insert, 8 delete, 16 update, 32 truncate. */
  readonly type: number;
  readonly when: string;
  readonly each: 'row' | 'statement';
  readonly oldTable?: boolean;
  readonly newTable?: boolean;
}

const TRUNCATE: Trigger = {
  name: 'orders_outbox_truncate',
  fn: 'orders_outbox_truncate',
  type: 34,
  when: 'before truncate',
  each: 'statement',
};

/** Postgres allows transition tables for one kind of event only. */
const PER_STATEMENT: readonly Trigger[] = [
  { name: 'orders_outbox_insert', type: 4, when: 'after insert', newTable: true },
  { name: 'orders_outbox_update', type: 16, when: 'after update', oldTable: true, newTable: true },
  { name: 'orders_outbox_delete', type: 8, when: 'after delete', oldTable: true },
].map((one) => ({ ...one, fn: 'orders_outbox_rows', each: 'statement' }));

const PER_ROW: Trigger = {
  name: 'orders_outbox_row',
  fn: 'orders_outbox_row',
  type: 29,
  when: 'after insert or update or delete',
  each: 'row',
};

export interface PlacedTrigger extends Trigger {
  readonly table: TablePart;
}

/**
 * The triggers that `orders` and its parts need. A statement fires the statement triggers of the table that it names only, so
 * a table that has parts, or is one, is watched row by row. Partitions get the row trigger from their table, also those that
 * are made later; other descendants do not, and no part gets a trigger for TRUNCATE.
 */
export function triggersFor(relation: OrdersRelation, parts: readonly TablePart[]): PlacedTrigger[] {
  const on = (tables: readonly TablePart[], triggers: readonly Trigger[]): PlacedTrigger[] =>
    tables.flatMap((table) => triggers.map((trigger) => ({ ...trigger, table })));
  if (!relation.divided && relation.kind === 'r') return on(parts, [...PER_STATEMENT, TRUNCATE]);
  const [whole] = parts;
  const watched = relation.kind === 'p' && whole ? [whole] : parts;
  const emptied = parts.filter(({ oid, kind }) => kind === 'r' || oid === relation.oid);
  return [...on(watched, [PER_ROW]), ...on(emptied, [TRUNCATE])];
}

/** One step that makes the triggers as they should be, or none. Writers of `orders` wait for it, never long. */
export async function triggerSteps(db: Queryable, schema: string, wanted: readonly PlacedTrigger[]): Promise<Step[]> {
  const present = await presentTriggers(db, schema, wanted);
  const changes = [...obsolete(present, wanted), ...wanted.flatMap((trigger) => changesFor(trigger, schema, present))];
  if (changes.length === 0) return [];
  return [{ title: changes.map(({ title }) => title).join(', '), sql: locking(changes.map(({ sql }) => sql)) }];
}

/**
 * In one transaction, with a limit on how long writers queue behind its wait for the lock. The limit is above a second
 * (deadlock_timeout), after which Postgres makes an autovacuum give way.
 */
export function locking(statements: readonly string[]): string {
  return ['begin', `set local lock_timeout = '2s'`, ...statements, 'commit'].join(';\n');
}

type Present = Record<string, unknown>;

async function presentTriggers(db: Queryable, schema: string, wanted: readonly PlacedTrigger[]): Promise<Present[]> {
  const { rows } = await db.query(
    `select t.tgrelid::text as oid, format('%I.%I', n.nspname, c.relname) as table, t.tgname::text as name, t.tgtype::int as type,
       t.tgenabled in ('O', 'A') as enabled, t.tgparentid <> 0 as inherited, p.proname::text as fn,
       p.pronamespace = $1::regnamespace and t.tgqual is null and t.tgattr = ''::int2vector
         and coalesce(t.tgoldtable, 'old_orders') = 'old_orders' and coalesce(t.tgnewtable, 'new_orders') = 'new_orders' as plain,
       t.tgoldtable is not null as "oldTable", t.tgnewtable is not null as "newTable"
     from pg_trigger t join pg_proc p on p.oid = t.tgfoid join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
     where t.tgrelid = any($2::oid[]) and t.tgname like 'orders\\_outbox\\_%' or p.pronamespace = $1::regnamespace and p.proname like 'orders\\_outbox\\_%'
     order by 2, 3`,
    [schema, wanted.map(({ table }) => table.oid)],
  );
  return rows;
}

function changesFor(trigger: PlacedTrigger, schema: string, present: readonly Present[]): Step[] {
  const found = present.find((row) => row['oid'] === trigger.table.oid && row['name'] === trigger.name);
  if (!found) return [createTrigger(trigger, schema)];
  const { name, table } = trigger;
  if (!isAsWanted(found, trigger)) {
    return [
      {
        title: `replace trigger ${name} on ${table.name}`,
        sql: `${dropTrigger(name, table.name)};\n${createTrigger(trigger, schema).sql}`,
      },
    ];
  }
  return found['enabled'] === true ? [] : [enableTrigger(name, table.name)];
}

function isAsWanted(found: Present, { fn, type, oldTable = false, newTable = false }: Trigger): boolean {
  const same = found['fn'] === fn && found['type'] === type && found['plain'] === true;
  return same && found['oldTable'] === oldTable && found['newTable'] === newTable;
}

/** Of a table that has got parts, or is no part any more; and on a partition, what somebody disabled there. */
function obsolete(present: readonly Present[], wanted: readonly PlacedTrigger[]): Step[] {
  return present.flatMap((row) => {
    const [name, table] = [String(row['name']), String(row['table'])];
    if (row['inherited'] === true) return row['enabled'] === true ? [] : [enableTrigger(name, table)];
    if (wanted.some((one) => one.table.oid === row['oid'] && one.name === name)) return [];
    return [{ title: `drop trigger ${name} on ${table}`, sql: dropTrigger(name, table) }];
  });
}

function createTrigger({ name, table, when, each, fn, oldTable, newTable }: PlacedTrigger, schema: string): Step {
  const tables = [oldTable ? ' old table as old_orders' : '', newTable ? ' new table as new_orders' : ''].join('');
  const referencing = tables === '' ? '' : ` referencing${tables}`;
  return {
    title: `create trigger ${name} on ${table.name}`,
    sql: `create trigger ${name} ${when} on ${table.name}${referencing} for each ${each} execute function ${schema}.${fn}()`,
  };
}

function enableTrigger(name: string, table: string): Step {
  return { title: `enable trigger ${name} on ${table}`, sql: `alter table ${table} enable trigger ${name}` };
}

function dropTrigger(name: string, table: string): string {
  return `drop trigger if exists ${name} on ${table}`;
}
