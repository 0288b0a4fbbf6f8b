import { migrate } from '../src/sources/migrations/migrate.js';
import { idOf } from './support/orders.js';
import { as, CONTRACT_COLUMNS, insertSql, recorded, withClient } from './support/outbox.js';
import { queryOnce } from './support/servers/postgres.js';
import { describeWith, sharedPostgres } from './support/servers/shared.js';

const log = (): void => undefined;

const PARTITIONED = `create table orders (${CONTRACT_COLUMNS}) partition by range (created_at);
  create table orders_night partition of orders for values from (minvalue) to ('2025-07-24 01:00Z');
  create table orders_day partition of orders for values from ('2025-07-24 01:00Z') to (maxvalue);
  create unique index on orders_night (id); create unique index on orders_day (id)`;

/** Some of these tables have a column that the gateway does not know, of a type without equality, and one that is called as a variable of ours. */
const TABLES: readonly (readonly [name: string, definition: string])[] = [
  ['a table of the migration', 'select 1'],
  [
    'a table of somebody else',
    `create table orders (${CONTRACT_COLUMNS}, extra json, origin text); create unique index on orders (id)`,
  ],
  ['a partitioned table', PARTITIONED],
  ['a table with descendants', `create table orders (${CONTRACT_COLUMNS}); create table old_orders () inherits (orders)`],
];

describeWith('postgres')('the outbox', () => {
  let url: string;
  const sql = (text: string): Promise<Record<string, unknown>[]> => queryOnce(url, text);

  /** What `statement` makes the outbox record, after orders 1 to 3 were there already. */
  async function changesOf(statement: string): Promise<string[]> {
    await sql(insertSql(1, 3));
    await sql('delete from orders_outbox');
    await sql(statement);
    return recorded(url);
  }

  describe.each(TABLES)('of %s', (_, definition) => {
    beforeAll(async () => {
      url = await sharedPostgres().createDatabase('migrate_outbox_changes');
      await sql(definition);
      await migrate({ url, log });
    });

    beforeEach(async () => {
      await sql('truncate orders; truncate orders_outbox; drop table if exists source');
    });

    test.each([
      ['insert', insertSql(4, 5), ['4: none → 4 p f', '5: none → 5 p f']],
      [
        'update of several rows',
        `update orders set status = 'SHIPPED' where quantity = 1`,
        ['1: 1 p f → 1 p f', '2: 2 p f → 2 p f', '3: 3 p f → 3 p f'],
      ],
      [
        'update of some rows',
        `update orders set status = case number when 'N2' then 'SHIPPED' else status end`,
        ['2: 2 p f → 2 p f'],
      ],
      ['update that changes nothing', 'update orders set status = status, version = version', []],
      ['update of no row', `update orders set status = 'SHIPPED' where false`, []],
      ['changed id', `update orders set id = '${idOf(9)}' where number = 'N1'`, ['1: 1 p f → none', '9: none → 1 p f']],
      ['changed partner', `update orders set partner_id = null where number = 'N1'`, ['1: 1 p f → 1 - f']],
      ['changed file', `update orders set file_path = 'g' where number = 'N1'`, ['1: 1 p f → 1 p g']],
      [
        'changed created_at',
        `update orders set created_at = created_at + interval '30 minutes' where number = 'N1'`,
        ['1: 1 p f → 31 p f'],
      ],
      ['delete', `delete from orders where number <> 'N2'`, ['1: 1 p f → none', '3: 3 p f → none']],
      ['truncate', 'truncate orders', ['1: 1 p f → none', '2: 2 p f → none', '3: 3 p f → none']],
      [
        'several statements',
        `begin; ${insertSql(4, 4)}; update orders set version = 2 where number = 'N4'; commit`,
        ['4: none → 4 p f', '4: 4 p f → 4 p f'],
      ],
      [
        'data-modifying CTE',
        `with gone as (delete from orders where number = 'N1') update orders set version = 7 where number = 'N2'`,
        ['1: 1 p f → none', '2: 2 p f → 2 p f'],
      ],
      [
        'MERGE',
        `merge into orders using (values ('N1'), ('N2')) v (number) on orders.number = v.number
         when matched and v.number = 'N1' then update set version = 5 when matched then delete`,
        ['1: 1 p f → 1 p f', '2: 2 p f → none'],
      ],
    ])('%s', async (_name, statement, expected) => {
      expect((await changesOf(statement)).sort()).toEqual([...expected].sort());
    });

    test('rolled back to a savepoint: only what stays, with the xid of the whole transaction', async () => {
      await changesOf('select 1');
      const xid = await withClient(url, async (client) => {
        await client.query('begin; savepoint a');
        await client.query(`update orders set version = 2 where number = 'N1'`);
        await client.query('rollback to a; savepoint b');
        await client.query(`update orders set version = 2 where number = 'N2'`);
        const { rows } = await client.query<{ xid: string }>('select pg_current_xact_id()::text as xid');
        await client.query('commit');
        return rows[0]?.xid;
      });
      expect(await recorded(url)).toEqual(['2: 2 p f → 2 p f']);
      expect(await sql('select xid::text, origin from orders_outbox')).toEqual([{ xid, origin: null }]);
    });

    test('COPY', async () => {
      await sql(`create table source (${CONTRACT_COLUMNS}); ${insertSql(4, 5, 'source')}`);
      const columns = 'id, number, status, created_at';
      await withClient(url, async (client) => {
        const { rows } = await client.query<{ file: string }>(`select current_setting('data_directory') || '/copied' as file`);
        await client.query(`copy (select id, number, status, created_at, updated_at, version, partner_id, customer, product, material, quantity,
          price_minor, currency, file_path from source) to '${rows[0]?.file}'`);
        await client.query(`copy orders (${columns}, updated_at, version, partner_id, customer, product, material, quantity,
          price_minor, currency, file_path) from '${rows[0]?.file}'`);
      });
      expect(await recorded(url)).toEqual(['4: none → 4 p f', '5: none → 5 p f']);
    });

    test('origin is recorded in the transaction that sets it, and in no later one', async () => {
      await changesOf('select 1');
      await withClient(url, async (client) => {
        await client.query(
          `begin; select set_config('mes_gateway.origin', 'mine', true); update orders set version = 2 where number = 'N1'; commit`,
        );
        await client.query(`update orders set version = 2 where number = 'N2'`);
      });
      expect(await sql('select origin from orders_outbox order by id')).toEqual([{ origin: 'mine' }, { origin: null }]);
    });

    test.each([
      ['wakes listeners once per transaction', '', 1],
      ['wakes nobody where that is switched off', `set mes_gateway.notify = 'off';`, 0],
    ])('%s', async (_name, setting, expected) => {
      await withClient(url, async (listener) => {
        const heard: (string | undefined)[] = [];
        listener.on('notification', ({ channel, payload }) => heard.push(`${channel} ${payload ?? ''}`));
        await listener.query('listen orders_outbox');
        await sql(`${setting} begin; ${insertSql(1, 3)}; update orders set version = 2; commit`);
        await sql('update orders set version = version');
        await sql('notify orders_outbox');
        await listener.query('select 1');
        expect(heard).toEqual(Array.from({ length: expected + 1 }, () => 'orders_outbox '));
      });
    });

    test('a writer needs rights on orders only', async () => {
      await sql(`do $$ begin create role writer login; exception when duplicate_object then null; end $$`);
      await sql(`grant usage on schema public to writer; grant select, insert, update, delete, truncate on orders to writer`);
      const writer = as(url, 'writer');
      await queryOnce(writer, insertSql(1, 2));
      await queryOnce(writer, `update orders set partner_id = 'q' where number = 'N1'`);
      await queryOnce(writer, 'truncate orders');
      const changes = ['1: none → 1 p f', '2: none → 2 p f', '1: 1 p f → 1 q f', '1: 1 q f → none', '2: 2 p f → none'];
      expect((await recorded(url)).sort()).toEqual(changes.sort());
      await expect(queryOnce(writer, 'select * from orders_outbox')).rejects.toThrow(/permission denied/);
      await expect(
        queryOnce(
          writer,
          `create temp table t (id uuid); create trigger x after insert on t for each row execute function orders_outbox_row()`,
        ),
      ).rejects.toThrow(/permission denied|does not exist/);
    });
  });

  describe('where rows have a key', () => {
    test.each(TABLES.slice(0, 2))('upsert into %s', async (_, definition) => {
      url = await sharedPostgres().createDatabase('migrate_outbox_changes');
      await sql(definition);
      await migrate({ url, log });
      const upsert = `${insertSql(3, 4)} on conflict (id) do update set partner_id = 'q'`;
      expect((await changesOf(upsert)).sort()).toEqual(['3: 3 p f → 3 q f', '4: none → 4 p f']);
    });

    test('two ids that are exchanged are two changes', async () => {
      url = await sharedPostgres().createDatabase('migrate_outbox_changes');
      await sql(`create table orders (${CONTRACT_COLUMNS})`);
      await migrate({ url, log });
      const exchange = `update orders set id = case number when 'N1' then '${idOf(2)}'::uuid else '${idOf(1)}'::uuid end where number <> 'N3'`;
      expect((await changesOf(exchange)).sort()).toEqual(['1: 1 p f → 2 p f', '2: 2 p f → 1 p f']);
    });

    test('rows without an id, which the gateway cannot show, stop no writer', async () => {
      url = await sharedPostgres().createDatabase('migrate_outbox_changes');
      await sql(`create table orders (${CONTRACT_COLUMNS})`);
      await migrate({ url, log });
      expect(
        await changesOf(
          `insert into orders (number) values ('x'); update orders set version = 9 where id is null; delete from orders where id is null`,
        ),
      ).toEqual([]);
    });

    test('values that a collation calls equal are changes', async () => {
      url = await sharedPostgres().createDatabase('migrate_outbox_changes');
      await sql(`create collation whatever (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
        create table orders (${CONTRACT_COLUMNS}); alter table orders alter customer type text collate whatever`);
      await migrate({ url, log });
      expect(await changesOf(`update orders set customer = 'C' where number = 'N1'`)).toEqual(['1: 1 p f → 1 p f']);
    });
  });

  describe('of a partitioned table', () => {
    beforeEach(async () => {
      url = await sharedPostgres().createDatabase('migrate_outbox_changes');
      await sql(PARTITIONED);
      await migrate({ url, log });
    });

    test('sees writes to a partition', async () => {
      const writes = `${insertSql(4, 4, 'orders_night')}; update orders_night set version = 2 where number = 'N1'; delete from orders_night where number = 'N2'`;
      expect(await changesOf(writes)).toEqual(['4: none → 4 p f', '1: 1 p f → 1 p f', '2: 2 p f → none']);
    });

    test('sees a row that moves to another partition as gone and come', async () => {
      expect(await changesOf(`update orders set created_at = created_at + interval '1 hour' where number = 'N1'`)).toEqual([
        '1: 1 p f → none',
        '1: none → 61 p f',
      ]);
    });

    test('sees TRUNCATE of a partition, and only its rows', async () => {
      await sql(insertSql(70, 70));
      expect(await changesOf('truncate orders_night')).toEqual(['1: 1 p f → none', '2: 2 p f → none', '3: 3 p f → none']);
    });

    test('sees writes to a partition that came later, and TRUNCATE of the whole with it', async () => {
      await sql(`drop table orders_day; create table orders_later partition of orders default`);
      const changes = ['1: 1 p f → none', '2: 2 p f → none', '3: 3 p f → none', '70: 70 p f → none', '70: none → 70 p f'];
      expect((await changesOf(`${insertSql(70, 70, 'orders_later')}; truncate orders`)).sort()).toEqual(changes);
      expect((await migrate({ url, log })).steps).toEqual(['create trigger orders_outbox_truncate on public.orders_later']);
    });
  });
});
