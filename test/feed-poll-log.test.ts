import type { LoggedChange } from '../src/changes/change-log.js';
import { createMemoryStore } from '../src/cache/keyv-store.js';
import { covers, isVisible, parseSnapshot } from '../src/changes/snapshot.js';
import type { PgFeedSession, Query } from '../src/sources/feed-session.js';
import { PollLog } from '../src/sources/poll-log.js';
import { HOUR, MIB, MINUTE, type Snapshot } from '../src/units.js';
import { caughtUp, changesOf, countingStore, makeFeed, openSession, openTransactions } from './support/feed.js';
import { freshPlant, type Plant } from './support/plant.js';
import { describeWith } from './support/servers/shared.js';

describeWith('postgres')('polling', () => {
  let plant: Plant;
  let session: PgFeedSession;
  let log: PollLog;
  let position: Snapshot | undefined;
  let transactions: ReturnType<typeof openTransactions>;

  beforeEach(async () => {
    plant = await freshPlant();
    session = await openSession(plant.url);
    transactions = openTransactions(plant.url);
    log = new PollLog(session.query, HOUR);
    position = undefined;
  });
  afterEach(async () => {
    await transactions.end();
    await session.close();
  });

  /** What is new, as ids; `keep`: the consumer stays where it is. */
  async function poll({ keep = false } = {}): Promise<LoggedChange[]> {
    const read = await log.read(position);
    const changes = await changesOf(read);
    if (!keep) position = read.snapshot;
    return changes;
  }
  const idsOf = (changes: readonly LoggedChange[]) => changes.map(({ after }) => after!.id);
  const ago = (time: number): string => new Date(Date.now() - time).toISOString();
  const now = (): string => ago(0);

  test('tells what was updated, once, although it reads the last seconds again', async () => {
    const [order] = await plant.insert({ updated_at: now() });
    expect(idsOf(await poll())).toEqual([order!.id]);
    for (let again = 0; again < 3; again += 1) expect(await poll()).toEqual([]);
    await plant.update(order!.id, { updated_at: now(), version: 2 });
    expect(idsOf(await poll())).toEqual([order!.id]);
    expect(await poll()).toEqual([]);
  });

  test('tells where an order was that it has seen before', async () => {
    const [order] = await plant.insert({ updated_at: now(), partner_id: 'partner-a', created_at: '2025-07-24T15:30Z' });
    await poll();
    await plant.update(order!.id, { updated_at: now(), version: 2, partner_id: 'partner-b', created_at: '2025-07-25T15:30Z' });
    const [change] = await poll();
    expect(change).toMatchObject({
      before: { createdAt: Date.parse('2025-07-24T15:30Z'), partnerId: 'partner-a' },
      after: { createdAt: Date.parse('2025-07-25T15:30Z'), partnerId: 'partner-b' },
    });
  });

  test('finds an order whose time is old, because its transaction was open for long', async () => {
    const [slow, other] = await plant.insert({ updated_at: ago(3 * HOUR) }, { updated_at: ago(3 * HOUR) });
    await poll();
    const writer = await transactions.begin();
    // The transaction has a number from here on, and writes a time that is long over when it commits.
    await writer.query('update orders set version = 2, updated_at = $2 where id = $1', [slow!.id, ago(5 * MINUTE)]);
    log = new PollLog(session.query, 10 * MINUTE);
    position = undefined;
    for (let version = 2; version < 6; version += 1) {
      await plant.update(other!.id, { updated_at: now(), version });
      expect(idsOf(await poll())).toEqual([other!.id]);
    }
    await writer.query('commit');
    expect(idsOf(await poll())).toEqual([slow!.id]);
    expect(await poll()).toEqual([]);
  });

  test('finds it also if nobody else has written meanwhile, so that no snapshot knows its number', async () => {
    const [slow] = await plant.insert({ updated_at: ago(3 * HOUR) });
    const writer = await transactions.begin();
    await writer.query('update orders set version = 2, updated_at = $2 where id = $1', [slow!.id, ago(5 * MINUTE)]);
    log = new PollLog(session.query, 10 * MINUTE);
    for (let again = 0; again < 3; again += 1) expect(await poll()).toEqual([]);
    await writer.query('commit');
    expect(idsOf(await poll())).toEqual([slow!.id]);
  });

  test('moves on when nothing is open, and its successor begins there', async () => {
    const [old] = await plant.insert({ updated_at: ago(5 * MINUTE) });
    expect(idsOf(await poll())).toEqual([old!.id]);
    const successor = new PollLog(session.query, HOUR);
    expect(await changesOf(await successor.read(position))).toEqual([]);
    const [late] = await plant.insert({ updated_at: now() });
    expect(idsOf(await changesOf(await successor.read(position)))).toEqual([late!.id]);
  });

  test('a consumer that did not finish gets the same again', async () => {
    await poll();
    const [order] = await plant.insert({ updated_at: now() });
    expect(idsOf(await poll({ keep: true }))).toEqual([order!.id]);
    expect(idsOf(await poll({ keep: true }))).toEqual([order!.id]);
    expect(idsOf(await poll())).toEqual([order!.id]);
    expect(await poll()).toEqual([]);
  });

  test('positions cover each other as snapshots do', async () => {
    await poll();
    const first = position!;
    await plant.insert({ updated_at: now() });
    await poll();
    expect(covers(parseSnapshot(position!), parseSnapshot(first))).toBe(true);
    expect(covers(parseSnapshot(first), parseSnapshot(position!))).toBe(false);
  });

  test('says until when what it shows became visible: a page may show what was committed after the position', async () => {
    const [order] = await plant.insert({ updated_at: now() });
    const query: Query = async (text, values) => {
      const rows = await session.query(text, values);
      if (!text.includes('from orders')) await plant.update(order!.id, { updated_at: now(), version: 2 });
      return rows;
    };
    const read = await new PollLog(query, HOUR).read(undefined);
    expect(idsOf(await changesOf(read))).toEqual([order!.id]);
    const [row] = await plant.query('select xmin::text::xid8::text as xid, version from orders');
    expect(row!['version']).toBe(2);
    const isIn = (snapshot: Snapshot) => isVisible(BigInt(String(row!['xid'])), parseSnapshot(snapshot));
    expect([isIn(read.snapshot), isIn(read.shows())]).toEqual([false, true]);
  });

  test('takes more orders of one moment than fit into a page', async () => {
    const updated = now();
    await plant.query(
      `insert into orders select gen_random_uuid(), 'N' || n, 'SUBMITTED', $1, $1::timestamptz, 1, null, 'c', 'p', 'm', 1, 1,
      'EUR', null from generate_series(1, 12000) n`,
      [updated],
    );
    const changes = await poll();
    expect(new Set(idsOf(changes)).size).toBe(12_000);
    expect(changes).toHaveLength(12_000);
    expect(await poll()).toEqual([]);
  });

  test('a feed that polls renews each change once', async () => {
    const { store, writes } = countingStore(createMemoryStore(MIB));
    const two = [0, 1].map(() => makeFeed({ url: plant.url, store, mode: 'poll', idle: 50 }));
    for (const { feed } of two) await feed.start();
    const [order] = await plant.insert({ updated_at: now() });
    await caughtUp(two[0]!.feed.position, plant);
    await plant.insert({ updated_at: now() });
    await caughtUp(two[0]!.feed.position, plant);
    expect(writes.get(`token:order:${order!.id}`)).toBe(1);
    for (const { close } of two) await close();
  });
});
