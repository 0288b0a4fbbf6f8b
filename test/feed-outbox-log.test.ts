import type { PgFeedSession } from '../src/sources/feed-session.js';
import { OutboxLog } from '../src/sources/outbox-log.js';
import { changesOf, openSession, openTransactions, outboxPlant } from './support/feed.js';
import type { Plant } from './support/plant.js';
import { describeWith } from './support/servers/shared.js';
import type { Snapshot } from '../src/units.js';

const CREATED = Date.parse('2025-07-24T15:30Z');

describeWith('postgres')('the outbox', () => {
  let plant: Plant;
  let session: PgFeedSession;
  let log: OutboxLog;
  let transactions: ReturnType<typeof openTransactions>;

  beforeEach(async () => {
    plant = await outboxPlant();
    session = await openSession(plant.url);
    transactions = openTransactions(plant.url);
    log = new OutboxLog(session.query, { page: 3, backlog: 10 });
  });
  afterEach(async () => {
    await transactions.end();
    await session.close();
  });

  async function idsSince(since: Snapshot | undefined): Promise<{ ids: string[]; snapshot: Snapshot }> {
    const read = await log.read(since);
    const changes = await changesOf(read);
    return { ids: changes.map(({ before, after }) => (after ?? before)!.id), snapshot: read.snapshot };
  }

  test('tells an order as it was and as it is', async () => {
    const [order] = await plant.insert({ partner_id: 'partner-a', file_path: null });
    await plant.update(order!.id, { partner_id: 'partner-b', file_path: 'a.stl', created_at: '2025-07-25T00:00:00.0009Z' });
    await plant.query('delete from orders');
    const first = { id: order!.id, createdAt: CREATED, partnerId: 'partner-a', filePath: null };
    const second = { id: order!.id, createdAt: Date.parse('2025-07-25T00:00Z'), partnerId: 'partner-b', filePath: 'a.stl' };
    const read = await log.read(undefined);
    expect(read.age).toBeGreaterThan(0);
    expect(await changesOf(read)).toEqual([
      { before: null, after: first },
      { before: first, after: second },
      { before: second, after: null },
    ]);
    expect(await changesOf(await log.read(read.snapshot))).toEqual([]);
  });

  test('does not count rows of a restored copy whose transactions this database has yet to number', async () => {
    await plant.insert({});
    const { snapshot } = await log.read(undefined);
    await plant.query(
      `update orders_outbox set xid = (pg_snapshot_xmax(pg_current_snapshot())::text::bigint + 1000)::text::xid8`,
    );
    expect(await log.isBehind(snapshot)).toBe(false);
    expect(await idsSince(snapshot)).toMatchObject({ ids: [] });
  });

  test('tells whose change it is', async () => {
    const writer = await transactions.begin();
    await writer.query(`select set_config('mes_gateway.origin', 'x/1', true)`);
    await writer.query(`insert into orders select * from json_populate_record(null::orders, $1)`, [
      JSON.stringify((await plant.insert({}))[0]).replace(/"id":"[^"]*"/, `"id":"00000000-0000-4000-8000-000000000001"`),
    ]);
    await writer.query('commit');
    const changes = await changesOf(await log.read(undefined));
    expect(changes.map(({ origin }) => origin)).toEqual([undefined, 'x/1']);
  });

  test('an infinite time is told, too', async () => {
    await plant.insert({ created_at: 'infinity', updated_at: '2025-07-24T15:30Z' });
    const [change] = await changesOf(await log.read(undefined));
    expect(change!.after!.createdAt).toBe(Infinity);
  });

  test('a transaction that commits late is not passed over, and delays no other', async () => {
    const [early, late] = await plant.insert({}, {});
    const { snapshot: start } = await idsSince(undefined);
    const slow = await transactions.begin();
    await slow.query('update orders set version = 2 where id = $1', [early!.id]);
    // Takes a later transaction number and a later row number, and commits first.
    await plant.update(late!.id, { version: 2 });
    const first = await idsSince(start);
    expect(first.ids).toEqual([late!.id]);
    await plant.update(late!.id, { version: 3 });
    const second = await idsSince(first.snapshot);
    expect(second.ids).toEqual([late!.id]);
    await slow.query('commit');
    const third = await idsSince(second.snapshot);
    expect(third.ids).toEqual([early!.id]);
    expect((await idsSince(third.snapshot)).ids).toEqual([]);
    expect((await idsSince(start)).ids).toEqual([early!.id, late!.id, late!.id]);
  });

  test('comes in pages of one moment, whatever is committed meanwhile', async () => {
    const orders = await plant.insert(...Array.from({ length: 8 }, () => ({})));
    const slow = await transactions.begin();
    await slow.query('update orders set version = 2 where id = $1', [orders[0]!.id]);
    const read = await log.read(undefined);
    const pages: number[] = [];
    for await (const page of read.pages) {
      pages.push(page.length);
      if (pages.length > 1) continue;
      await slow.query('commit');
      await plant.update(orders[1]!.id, { version: 2 });
    }
    expect(pages).toEqual([3, 3, 2]);
    expect((await idsSince(read.snapshot)).ids).toEqual([orders[0]!.id, orders[1]!.id]);
  });

  test('a position of the future, from another database, is worthless', async () => {
    const [order] = await plant.insert({});
    expect((await idsSince('900000000000:900000000000:')).ids).toEqual([order!.id]);
  });

  test('many changes can be had by their days', async () => {
    await plant.insert(...Array.from({ length: 10 }, () => ({})));
    expect((await log.read(undefined)).wholeDays).toBeUndefined();
    await plant.insert({ created_at: '2025-07-26T00:00Z' }, { created_at: 'infinity', updated_at: '2025-07-24T15:30Z' });
    const read = await log.read(undefined);
    const days = await read.wholeDays!();
    expect(days.map((day) => new Date(day).toISOString().slice(0, 10)).sort()).toEqual(['2025-07-24', '2025-07-26']);
    expect(await changesOf(read)).toHaveLength(12);
  });

  test('is pruned in batches below a transaction, and says so', async () => {
    await plant.insert(...Array.from({ length: 5 }, () => ({})));
    const [row] = await plant.query('select max(xid)::text as xid from orders_outbox');
    await plant.insert({});
    const bound = BigInt(String(row!['xid'])) + 1n;
    expect(await log.isBehind(undefined)).toBe(true);
    expect([await log.prune(bound), await log.prune(bound), await log.prune(bound)]).toEqual([3, 2, 0]);
    expect(await changesOf(await log.read(undefined))).toHaveLength(1);
    expect(await plant.query('select pruned::text from orders_outbox_state')).toEqual([{ pruned: bound.toString() }]);
    await log.prune(bound - 1n);
    expect(await plant.query('select pruned::text from orders_outbox_state')).toEqual([{ pruned: bound.toString() }]);
    const { snapshot } = await idsSince(undefined);
    expect(await log.isBehind(snapshot)).toBe(false);
  });
});
