import { ORDER_COLUMNS } from '../order-row.js';
import type { Queryable, Step } from './migration.js';

/** `rows`: per statement, from transition tables. `row`: per row, where a table has parts. `truncate`: before TRUNCATE. */
export type OutboxFunction = 'orders_outbox_rows' | 'orders_outbox_row' | 'orders_outbox_truncate';

/** All that there may be; what a database needs depends on its `orders`. */
export const OUTBOX_FUNCTIONS: readonly OutboxFunction[] = ['orders_outbox_rows', 'orders_outbox_row', 'orders_outbox_truncate'];

/** A writer may choose neither what the names in the functions mean nor whose rights they have. */
const SEARCH_PATH = 'pg_catalog, pg_temp';

const ORIGIN = `nullif(current_setting('mes_gateway.origin', true), '')`;
const BEFORE = 'created_before, partner_before, file_before';
const AFTER = 'created_after, partner_after, file_after';

/** NOTIFY forbids PREPARE TRANSACTION and makes commits queue; whoever minds that switches it off for a role or a database. */
const WAKE = `if current_setting('mes_gateway.notify', true) is distinct from 'off' then
    perform pg_notify('orders_outbox', '');
  end if;`;

function footprint(row: string): string {
  return ['created_at', 'partner_id', 'file_path'].map((column) => `${row}.${column}`).join(', ');
}

/** By bytes: other columns do not count, and no collation can call two texts equal that differ. */
function differ(before: string, after: string): string {
  const row = (name: string): string => `row(${columns.map((column) => `${name}.${column}`).join(', ')})`;
  const columns = Object.keys(ORDER_COLUMNS);
  return `record_image_ne(${row(before)}, ${row(after)})`;
}

/** The outer joins find an order whose id was changed as one that is gone and one that is new. */
function rowsBody(outbox: string): string {
  return `
#variable_conflict use_variable
declare
  origin constant text := ${ORIGIN};
begin
  if tg_op = 'INSERT' then
    insert into ${outbox} (order_id, origin, ${AFTER})
    select n.id, origin, ${footprint('n')} from new_orders n where n.id is not null;
  elsif tg_op = 'DELETE' then
    insert into ${outbox} (order_id, origin, ${BEFORE})
    select o.id, origin, ${footprint('o')} from old_orders o where o.id is not null;
  else
    insert into ${outbox} (order_id, origin, ${BEFORE}, ${AFTER})
    select coalesce(o.id, n.id), origin, ${footprint('o')}, ${footprint('n')}
    from old_orders o full join new_orders n on n.id = o.id
    where coalesce(o.id, n.id) is not null
      and (o.id is null or n.id is null or ${differ('o', 'n')});
  end if;
  if not found then
    return null;
  end if;
  ${WAKE}
  return null;
end
`;
}

/** OLD is null at an INSERT, and NEW at a DELETE. */
function rowBody(outbox: string): string {
  return `
#variable_conflict use_variable
declare
  origin constant text := ${ORIGIN};
begin
  if old.id = new.id then
    if not ${differ('old', 'new')} then
      return null;
    end if;
    insert into ${outbox} (order_id, origin, ${BEFORE}, ${AFTER})
    values (new.id, origin, ${footprint('old')}, ${footprint('new')});
  else
    if old.id is not null then
      insert into ${outbox} (order_id, origin, ${BEFORE}) values (old.id, origin, ${footprint('old')});
    end if;
    if new.id is not null then
      insert into ${outbox} (order_id, origin, ${AFTER}) values (new.id, origin, ${footprint('new')});
    end if;
  end if;
  ${WAKE}
  return null;
end
`;
}

/** Each part has a trigger of its own, except one that came later: its rows are recorded by the trigger of the whole. */
function truncateBody(outbox: string): string {
  return `
declare
  gone text := format('only %s o where true', tg_relid::regclass);
begin
  if exists (select from pg_class where oid = tg_relid and relkind = 'p') then
    gone := format(
      '%s o where o.tableoid <> all (array(select tgrelid from pg_trigger where tgname = %L and tgenabled in (''O'', ''A'')))',
      tg_relid::regclass, tg_name);
  end if;
  execute 'insert into ${outbox.replaceAll("'", "''")} (order_id, origin, ${BEFORE})
    select o.id, $1, ${footprint('o')} from ' || gone || ' and o.id is not null'
    using ${ORIGIN};
  ${WAKE}
  return null;
end
`;
}

function bodyOf(name: OutboxFunction, schema: string): string {
  const outbox = `${schema}.orders_outbox`;
  if (name === 'orders_outbox_rows') return rowsBody(outbox);
  return name === 'orders_outbox_row' ? rowBody(outbox) : truncateBody(outbox);
}

/** What of these functions is missing in the schema, or is not as it should be. */
export async function functionSteps(db: Queryable, schema: string, needed: readonly OutboxFunction[]): Promise<Step[]> {
  const { rows } = await db.query(
    `select proname::text as name, prosrc as body,
       prosecdef and proconfig = array['search_path=' || $2] and not has_function_privilege('public', oid, 'execute') as safe
     from pg_proc where pronamespace = $1::regnamespace and pronargs = 0`,
    [schema, SEARCH_PATH],
  );
  const present = new Map(rows.map((row) => [row['name'], row]));
  return needed.flatMap((name) => {
    const body = bodyOf(name, schema);
    const found = present.get(name);
    if (found?.['body'] === body && found['safe'] === true) return [];
    return [defineFunction(found ? 'replace' : 'create', `${schema}.${name}()`, body)];
  });
}

function defineFunction(verb: 'create' | 'replace', signature: string, body: string): Step {
  const sql = `begin;
create or replace function ${signature} returns trigger
language plpgsql security definer set search_path = ${SEARCH_PATH} as $outbox$${body}$outbox$;
revoke all on function ${signature} from public;
commit`;
  return { title: `${verb} function ${signature}`, sql };
}
