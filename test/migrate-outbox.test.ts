import { outbox } from '../src/sources/migrations/002-outbox.js';
import { migrate, undoOutbox, type MigrateOptions } from '../src/sources/migrations/migrate.js';
import { as, catalogue, CONTRACT_COLUMNS, insertSql, recorded, withClient } from './support/outbox.js';
import { queryOnce } from './support/servers/postgres.js';
import { describeWith, sharedPostgres } from './support/servers/shared.js';

const log = (): void => undefined;
const TABLE = `create table orders (${CONTRACT_COLUMNS})`;
const PARTITIONED = `${TABLE} partition by list (number); create table orders_a partition of orders default`;
const TRIGGERS = ['insert', 'update', 'delete', 'truncate'].map(
  (event) => `create trigger orders_outbox_${event} on public.orders`,
);
const ALL = [
  'create table public.orders_outbox',
  'create index orders_outbox_xid',
  'create table public.orders_outbox_state',
  'fill public.orders_outbox_state',
  'create function public.orders_outbox_rows()',
  'create function public.orders_outbox_truncate()',
  TRIGGERS.join(', '),
];

describeWith('postgres')('migrate, for the outbox', () => {
  let url: string;
  const sql = (text: string): Promise<Record<string, unknown>[]> => queryOnce(url, text);
  const outboxSteps = async (options: MigrateOptions = { url, log }): Promise<string[]> =>
    (await migrate(options)).steps.filter((step) => !/index on orders|orders_audit/.test(step));

  beforeEach(async () => {
    url = await sharedPostgres().createDatabase('migrate_outbox');
  });

  test('makes everything in an empty database, and nothing the second time', async () => {
    expect((await outboxSteps()).filter((step) => step !== 'create table orders')).toEqual(ALL);
    const before = await catalogue(url);
    expect(await migrate({ url, log })).toEqual({ steps: [], notes: [] });
    expect(await catalogue(url)).toEqual(before);
    expect(await sql('select singleton, pruned::text from orders_outbox_state')).toEqual([{ singleton: true, pruned: '0' }]);
  });

  test('watches a table that has rows, and records none of them', async () => {
    await sql(`${TABLE}; ${insertSql(1, 3)}`);
    expect(await outboxSteps()).toEqual(ALL);
    expect(await recorded(url)).toEqual([]);
    await sql(`update orders set version = 2 where number = 'N1'`);
    expect(await recorded(url)).toEqual(['1: 1 p f → 1 p f']);
  });

  test('says which rights the gateway needs, and these are enough', async () => {
    await sql(TABLE);
    const { notes } = await migrate({ url, log });
    expect(notes).toEqual([
      expect.stringMatching(
        /grant select, update on public\.orders to mes; .*grant select, delete on public\.orders_outbox to mes;/,
      ),
      expect.stringContaining('on public.orders_audit to mes;'),
    ]);
    await sql(`do $$ begin create role mes login; exception when duplicate_object then null; end $$`);
    const [, statements = ''] = /"mes": (.*)$/.exec(notes[0] ?? '') ?? [];
    await sql(statements);
    const mes = as(url, 'mes');
    await queryOnce(
      mes,
      'update orders set version = version + 1; select * from orders_outbox; delete from orders_outbox; update orders_outbox_state set pruned = pruned',
    );
    await expect(queryOnce(mes, 'insert into orders_outbox (order_id) values (gen_random_uuid())')).rejects.toThrow(/denied/);
  });

  test.each([
    ['a view', `create table mes (${CONTRACT_COLUMNS}); create view orders as select * from mes`],
    ['a materialized view', `create table mes (${CONTRACT_COLUMNS}); create materialized view orders as select * from mes`],
  ])('of %s there can be no outbox, and the rest goes on', async (kind, definition) => {
    await sql(definition);
    const lines: string[] = [];
    expect(await outboxSteps({ url, log: (line) => lines.push(line) })).toEqual([]);
    expect(lines).toContainEqual(
      expect.stringMatching(new RegExp(`002-outbox: no outbox: public.orders is ${kind}.*CHANGE_FEED=poll`)),
    );
    expect(await migrate({ url, log, withPollIndex: true })).toMatchObject({
      notes: expect.arrayContaining([expect.stringContaining('updated_at')]),
    });
  });

  test('of columns that do not fit there is none', async () => {
    await sql(`${TABLE}; alter table orders alter created_at type timestamp`);
    const { notes } = await migrate({ url, log });
    expect(notes).toEqual([
      'no outbox: in public.orders, created_at must be timestamp with time zone, but is timestamp without time zone.',
      expect.stringContaining('orders_audit'),
    ]);
  });

  test('needs Postgres 13', async () => {
    const query = (text: string): Promise<{ rows: Record<string, unknown>[] }> =>
      Promise.resolve({
        rows: text.includes('server_version_num')
          ? [{ version: 12 }]
          : [{ oid: '1', kind: 'r', schema: 'public', name: 'orders' }],
      });
    const plan = await outbox.plan({ query });
    expect(plan).toEqual({ steps: [], notes: [expect.stringContaining('needs Postgres 13 or later, but this is 12')] });
  });

  test('is made beside orders, in whatever schema of the search path that is', async () => {
    await sql(`create schema "the 'MES'"; set search_path = "the 'MES'"; ${TABLE}; ${insertSql(1, 2)}`);
    const there = as(url, 'postgres', `public,"the\\ 'MES'"`);
    const steps = await outboxSteps({ url: there, log });
    expect(steps).toContain(`create table "the 'MES'".orders_outbox`);
    await queryOnce(there, `update orders set version = 2 where number = 'N1'; truncate orders`);
    expect((await recorded(there)).sort()).toEqual(['1: 1 p f → 1 p f', '1: 1 p f → none', '2: 2 p f → none']);
    expect(await migrate({ url: there, log })).toEqual({ steps: [], notes: [] });
    expect(await undoOutbox({ url: there, log })).toHaveLength(5);
    expect(await undoOutbox({ url: there, log })).toEqual([]);
  });

  test('several at once do the work once, on a table that is being written', async () => {
    await sql(`${TABLE}; ${insertSql(1, 1)}`);
    let running = true;
    const writer = withClient(url, async (client) => {
      while (running) await client.query('update orders set version = version + 1');
    });
    const all = await Promise.all([1, 2, 3].map(() => outboxSteps()));
    running = false;
    await writer;
    expect(all.flat().sort()).toEqual([...ALL].sort());
  });

  test('waits for a transaction that holds orders, says whose it is, and lets other writers pass meanwhile', async () => {
    await sql(`${TABLE}; ${insertSql(1, 2)}`);
    await migrate({ url, log });
    await sql('drop trigger orders_outbox_delete on orders');
    await withClient(url, async (holder) => {
      await holder.query(`set application_name = 'shop'; begin; update orders set version = 2 where number = 'N1'`);
      const said: string[] = [];
      let tell = (): void => undefined;
      const waiting = new Promise<void>((resolve) => (tell = resolve));
      const done = migrate({
        url,
        log: (line) => {
          said.push(line);
          if (line.includes('in use')) tell();
        },
      });
      await waiting;
      await sql(`update orders set version = 2 where number = 'N2'`);
      await holder.query('commit');
      expect((await done).steps).toEqual(['create trigger orders_outbox_delete on public.orders']);
      expect(said).toContainEqual(expect.stringMatching(/orders is in use by process \d+ \(shop, user postgres\)/));
    });
  });

  test.each([
    [
      'a function of another version',
      'create or replace function orders_outbox_rows() returns trigger language plpgsql as $$ begin return null; end $$',
      ['replace function public.orders_outbox_rows()'],
    ],
    [
      'a function that everybody may use',
      'grant execute on function orders_outbox_rows() to public',
      ['replace function public.orders_outbox_rows()'],
    ],
    [
      'a function with the rights of its caller',
      'alter function orders_outbox_truncate() security invoker',
      ['replace function public.orders_outbox_truncate()'],
    ],
    [
      'a function with a search path of its caller',
      'alter function orders_outbox_truncate() reset search_path',
      ['replace function public.orders_outbox_truncate()'],
    ],
    ['a missing trigger', 'drop trigger orders_outbox_update on orders', [TRIGGERS[1]]],
    [
      'a disabled trigger',
      'alter table orders disable trigger orders_outbox_update',
      ['enable trigger orders_outbox_update on public.orders'],
    ],
    [
      'a trigger on too few events',
      'drop trigger orders_outbox_truncate on orders; create trigger orders_outbox_truncate before insert on orders for each statement execute function orders_outbox_truncate()',
      ['replace trigger orders_outbox_truncate on public.orders'],
    ],
    [
      'a trigger too many',
      'create trigger other after insert on orders referencing new table as new_orders for each statement execute function orders_outbox_rows()',
      ['drop trigger other on public.orders'],
    ],
    ['a missing index', 'drop index orders_outbox_xid', ['create index orders_outbox_xid']],
    [
      'an unfinished index',
      `update pg_index set indisvalid = false where indexrelid = 'orders_outbox_xid'::regclass`,
      ['drop the unfinished index orders_outbox_xid', 'create index orders_outbox_xid'],
    ],
    ['an empty state', 'delete from orders_outbox_state', ['fill public.orders_outbox_state']],
    [
      'a missing table',
      'drop table orders_outbox_state',
      ['create table public.orders_outbox_state', 'fill public.orders_outbox_state'],
    ],
    ['a new table orders', `drop table orders; ${TABLE}`, [TRIGGERS.join(', ')]],
    [
      'a table orders that got parts',
      'create table old_orders () inherits (orders)',
      [
        'create function public.orders_outbox_row()',
        [
          ...['delete', 'insert', 'update'].map((event) => `drop trigger orders_outbox_${event} on public.orders`),
          ...['row on public.orders', 'row on public.old_orders', 'truncate on public.old_orders'].map(
            (one) => `create trigger orders_outbox_${one}`,
          ),
        ].join(', '),
      ],
    ],
  ])('repairs %s', async (_name, damage, expected) => {
    await sql(TABLE);
    await migrate({ url, log });
    const whole = await catalogue(url);
    await sql(damage);
    expect(await outboxSteps()).toEqual(expected);
    expect(await outboxSteps()).toEqual([]);
    if (!damage.includes('inherits') && !damage.includes('drop table')) expect(await catalogue(url)).toEqual(whole);
    await sql(`${insertSql(1, 1)}; update orders set version = 2; truncate orders`);
    expect(await recorded(url)).toEqual(['1: none → 1 p f', '1: 1 p f → 1 p f', '1: 1 p f → none']);
  });

  test('repairs a trigger that was disabled on one partition', async () => {
    await sql(PARTITIONED);
    await migrate({ url, log });
    await sql('alter table orders_a disable trigger orders_outbox_row');
    expect(await outboxSteps()).toEqual(['enable trigger orders_outbox_row on public.orders_a']);
    expect(await outboxSteps()).toEqual([]);
  });

  test.each([
    [
      'table',
      'create table orders_outbox (id int)',
      /"public.orders_outbox" must be the gateway's own table, but lacks: id bigint/,
    ],
    ['view', 'create view orders_outbox as select 1 as id', /lacks: .*xid xid8/],
    ['older table', `alter table orders_outbox drop column file_before`, /lacks: file_before text\. Remove/],
    ['table without defaults', `alter table orders_outbox alter xid drop default`, /lacks: xid xid8 not null default/],
  ])('refuses a %s of somebody else in the place of its own', async (_name, statement, message) => {
    await sql(TABLE);
    if (statement.startsWith('alter')) await migrate({ url, log });
    await sql(statement);
    await expect(migrate({ url, log })).rejects.toThrow(message);
  });

  describe('a dry run', () => {
    test.each([
      ['an empty database', 'select 1'],
      ['a table', TABLE],
      ['a partitioned table', PARTITIONED],
    ])('of %s changes nothing, and its SQL does what the migration does', async (_name, definition) => {
      await sql(definition);
      const before = await catalogue(url);
      const lines: string[] = [];
      const dry = await migrate({ url, log: (line) => lines.push(line), dryRun: true, withPollIndex: true });
      expect(await catalogue(url)).toEqual(before);
      const statements = lines.filter((line) => line.includes(': would ')).map((line) => line.slice(line.indexOf('\n') + 1));
      for (const statement of statements) await sql(statement);
      const byHand = await catalogue(url);
      expect(await migrate({ url, log, withPollIndex: true })).toMatchObject({ steps: [] });
      const dryUndo = await undoOutbox({ url, log, dryRun: true });
      expect(await catalogue(url)).toEqual(byHand);
      expect(await undoOutbox({ url, log })).toEqual(dryUndo);
      expect((await migrate({ url, log })).steps).toEqual(dry.steps.filter((step) => step.includes('outbox')));
      expect(await catalogue(url)).toEqual(byHand);
    });
  });

  describe('undo', () => {
    test.each([
      ['a table', `${TABLE}; ${insertSql(1, 3)}`],
      ['a partitioned table', `${PARTITIONED}; ${insertSql(1, 3)}`],
      ['a table with descendants', `${TABLE}; create table old_orders () inherits (orders); ${insertSql(1, 3)}`],
    ])('leaves %s as it was, with its rows', async (_name, definition) => {
      await sql(`${definition}; create index a on orders (created_at); create index b on orders (file_path)`);
      const before = await catalogue(url);
      await migrate({ url, log });
      await undoOutbox({ url, log, withAuditLog: true });
      expect(await catalogue(url)).toEqual(before);
      expect(await sql('select count(*)::int from orders')).toEqual([{ count: 3 }]);
      expect(await undoOutbox({ url, log })).toEqual([]);
    });

    test('works without orders, and in an empty database', async () => {
      expect(await undoOutbox({ url, log })).toEqual([]);
      await migrate({ url, log });
      await sql('drop table orders');
      await undoOutbox({ url, log, withAuditLog: true });
      expect(await catalogue(url)).toEqual([]);
    });
  });

  describe('rights', () => {
    beforeEach(async () => {
      await sql(`do $$ begin create role newcomer login; exception when duplicate_object then null; end $$`);
    });

    test('a role without any gets a message that gives all of them, and nothing is made', async () => {
      await sql(`${TABLE}; create index on orders (created_at); create index on orders (file_path)`);
      const before = await catalogue(url);
      const expected =
        /002-outbox: the role that migrates lacks rights; .*: grant create on schema public to newcomer; grant select, trigger on orders to newcomer;$/;
      const newcomer = as(url, 'newcomer');
      await expect(migrate({ url: newcomer, log })).rejects.toThrow(expected);
      expect(await catalogue(url)).toEqual(before);
      const lines: string[] = [];
      await migrate({ url: newcomer, log: (line) => lines.push(line), dryRun: true });
      expect(lines).toContainEqual(expect.stringMatching(expected));
      await sql('grant create on schema public to newcomer; grant select, trigger on orders to newcomer');
      expect(await outboxSteps({ url: newcomer, log })).toEqual(ALL);
      await sql(`${insertSql(1, 1)}; truncate orders`);
      expect(await recorded(url)).toHaveLength(2);
    });

    test('asks for no right that the steps do not need', async () => {
      await migrate({ url, log });
      await sql('alter table orders owner to newcomer; alter table orders_outbox_state owner to newcomer');
      await sql('delete from orders_outbox_state; alter table orders disable trigger orders_outbox_insert');
      const steps = ['fill public.orders_outbox_state', 'enable trigger orders_outbox_insert on public.orders'];
      expect(await outboxSteps({ url: as(url, 'newcomer'), log })).toEqual(steps);
    });

    test('names what 001-orders needs', async () => {
      const newcomer = as(url, 'newcomer');
      const create = /001-orders: .*: grant create on schema public to newcomer;$/;
      await expect(migrate({ url: newcomer, log })).rejects.toThrow(create);
      await sql(`${TABLE}; alter table orders owner to newcomer`);
      await expect(migrate({ url: newcomer, log })).rejects.toThrow(create);
    });

    test.each([
      ['a superuser', 'postgres'],
      ['another role', 'shop'],
    ])('missing indexes of a table of %s are statements for its owner to run, never a membership', async (_name, owner) => {
      await sql(`do $$ begin create role shop; exception when duplicate_object then null; end $$`);
      await sql(`${TABLE}; alter table orders owner to ${owner}; create index on orders (created_at)`);
      await sql('grant create on schema public to newcomer; grant select, trigger on orders to newcomer');
      const newcomer = as(url, 'newcomer');
      const statement = 'create index concurrently if not exists orders_file_path_idx on public.orders (file_path)';
      const expected = `001-orders: the role that migrates lacks rights; have the owner run: ${statement};`;
      await expect(migrate({ url: newcomer, log })).rejects.toThrow(new Error(expected));
      const lines: string[] = [];
      await migrate({ url: newcomer, log: (line) => lines.push(line), dryRun: true });
      expect(lines[0]).toBe(`-- ${expected}`);
      await sql(statement);
      expect(await outboxSteps({ url: newcomer, log })).toEqual(ALL);
    });

    test('of what is there already, names the right to see whether it is whole', async () => {
      await migrate({ url, log });
      const newcomer = as(url, 'newcomer');
      const lacking = (right: string): string =>
        `002-outbox: the role that migrates lacks rights; have the owner run: grant ${right} on public.orders_outbox_state to newcomer;`;
      await expect(migrate({ url: newcomer, log })).rejects.toThrow(new Error(lacking('select')));
      const lines: string[] = [];
      await migrate({ url: newcomer, log: (line) => lines.push(line), dryRun: true });
      expect(lines).toEqual([`-- ${lacking('select')}`]);
      await sql('grant select on orders_outbox_state to newcomer');
      expect(await migrate({ url: newcomer, log })).toEqual({ steps: [], notes: [] });
      await sql('delete from orders_outbox_state; grant select, trigger on orders to newcomer');
      await expect(migrate({ url: newcomer, log })).rejects.toThrow(new Error(lacking('insert')));
      await sql('grant insert on orders_outbox_state to newcomer');
      expect(await outboxSteps({ url: newcomer, log })).toEqual(['fill public.orders_outbox_state']);
    });

    test('undo by somebody else says which step failed, as whom', async () => {
      await migrate({ url, log });
      await expect(undoOutbox({ url: as(url, 'newcomer'), log })).rejects.toThrow(
        /undo: could not drop trigger .* as role "newcomer": must be owner/,
      );
    });
  });
});
