import { migrate as migrateAll, type MigrateOptions, type MigrateResult } from '../src/sources/migrations/migrate.js';
import { ORDER_COLUMNS } from '../src/sources/order-row.js';
import { queryOnce } from './support/servers/postgres.js';
import { describeWith, sharedPostgres } from './support/servers/shared.js';

const log = (): void => undefined;
const ALL = ['create table orders', 'create index on orders (created_at)', 'create index on orders (file_path)'];
const INDEXES = `select indexname from pg_indexes where tablename = 'orders' order by 1`;
const COLUMNS = `id uuid, number text, status text, created_at timestamptz, updated_at timestamptz, version int, partner_id text,
  customer text, product text, material text, quantity int, price_minor int, currency text, file_path text`;

/** Without what belongs to the outbox and to the audit log. */
async function migrate(options: MigrateOptions): Promise<MigrateResult> {
  const { steps, notes } = await migrateAll(options);
  const isOther = (text: string): boolean => !/outbox|orders_audit/.test(text);
  return { steps: steps.filter(isOther), notes: notes.filter(isOther) };
}

describeWith('postgres')('migrate', () => {
  let url: string;
  const sql = (text: string): Promise<Record<string, unknown>[]> => queryOnce(url, text);

  beforeEach(async () => {
    url = await sharedPostgres().createDatabase('embedded_migrations');
  });

  test('makes everything in an empty database, and nothing the second time', async () => {
    expect(await migrate({ url, log })).toEqual({ steps: ALL, notes: [] });
    expect(await sql(INDEXES)).toEqual([
      { indexname: 'orders_created_at_idx' },
      { indexname: 'orders_file_path_idx' },
      { indexname: 'orders_pkey' },
    ]);
    expect(await migrate({ url, log })).toEqual({ steps: [], notes: [] });
  });

  test('makes the columns that are read', async () => {
    await migrate({ url, log });
    const columns = await sql(`select column_name, data_type from information_schema.columns where table_name = 'orders'`);
    expect(columns.map((row) => row['column_name']).sort()).toEqual(Object.keys(ORDER_COLUMNS).sort());
    for (const row of columns) expect(ORDER_COLUMNS[String(row['column_name'])]).toContain(row['data_type']);
  });

  test('a dry run says what it would do, and does nothing', async () => {
    const lines: string[] = [];
    expect((await migrate({ url, log: (line) => lines.push(line), dryRun: true })).steps).toEqual(ALL);
    expect(lines[0]).toContain('create table orders (');
    expect(await sql(`select to_regclass('orders') as found`)).toEqual([{ found: null }]);
  });

  test('adds to an existing table only the index that it lacks', async () => {
    await sql(`create table orders (${COLUMNS}, colour text)`);
    await sql('create index by_creation on orders (created_at desc)');
    expect((await migrate({ url, log })).steps).toEqual(['create index on orders (file_path)']);
    expect(await sql(INDEXES)).toEqual([{ indexname: 'by_creation' }, { indexname: 'orders_file_path_idx' }]);
  });

  test('does not take a partial index for one over all rows', async () => {
    await sql(`create table orders (${COLUMNS})`);
    await sql(`create index by_some on orders (created_at) where status = 'CLOSED'`);
    expect((await migrate({ url, log })).steps).toContain('create index on orders (created_at)');
  });

  test('makes an index anew that an interrupted build left unfinished', async () => {
    await migrate({ url, log });
    await sql(`update pg_index set indisvalid = false where indexrelid = 'orders_created_at_idx'::regclass`);
    expect((await migrate({ url, log })).steps).toEqual([
      'drop the unfinished index orders_created_at_idx',
      'create index on orders (created_at)',
    ]);
    expect((await migrate({ url, log })).steps).toEqual([]);
  });

  test.each([
    ['a view', `create table mes (${COLUMNS}); create view orders as select * from mes`],
    ['a partitioned table', `create table orders (${COLUMNS}) partition by range (created_at)`],
  ])('leaves %s alone, and says which indexes are missing', async (kind, definition) => {
    await sql(definition);
    const { steps, notes } = await migrate({ url, log });
    expect(steps).toEqual([]);
    expect(notes).toEqual([expect.stringContaining(`${kind}: no index`), expect.stringContaining('file_path')]);
  });

  test('names the columns that an existing table lacks, and changes nothing', async () => {
    await sql('create table orders (id uuid, number text, status text, created_at timestamptz, updated_at timestamptz)');
    await expect(migrate({ url, log })).rejects.toThrow(/lacks: version int, partner_id text, .*file_path text\./);
    expect(await sql(INDEXES)).toEqual([]);
  });

  test('several at once do the work once, also on a table that is in use', async () => {
    await sql(`create table orders (${COLUMNS})`);
    const all = await Promise.all([1, 2, 3].map(() => migrate({ url, log })));
    expect(all.flatMap(({ steps }) => steps)).toHaveLength(2);
  });
});
