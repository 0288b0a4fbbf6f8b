import { createMemoryStore } from '../src/cache/keyv-store.js';
import type { LoggedChange } from '../src/changes/change-log.js';
import type { FeedLog } from '../src/changes/feed-log.js';
import { touchedTokens } from '../src/changes/touched.js';
import { MesDatabase } from '../src/sources/mes-database.js';
import { PgFeedSession, type Query } from '../src/sources/feed-session.js';
import { OutboxLog } from '../src/sources/outbox-log.js';
import { systemTime, type Time } from '../src/time.js';
import { HOUR, MIB, SECOND, type Milliseconds } from '../src/units.js';
import {
  calendar,
  caughtUp,
  changesOf,
  countingStore,
  LEVELS,
  makeFeed,
  openSession,
  outboxPlant,
  type FeedOptions,
} from './support/feed.js';
import type { Plant, PlantOrder } from './support/plant.js';
import { until, within } from './support/race.js';
import { describeWith } from './support/servers/shared.js';

const tokensOf = (changes: readonly LoggedChange[]): string[] => touchedTokens(changes, LEVELS, calendar).sort();
const ownToken = ({ id }: PlantOrder): string => `token:order:${id}`;

describeWith('postgres')('the feed', () => {
  let plant: Plant;
  let shared: ReturnType<typeof countingStore>;
  let feeds: ReturnType<typeof makeFeed>[];

  beforeEach(async () => {
    plant = await outboxPlant();
    shared = countingStore(createMemoryStore(64 * MIB));
    feeds = [];
  });
  afterEach(async () => {
    await Promise.all(feeds.map(({ close }) => close()));
  });

  async function start(options: Partial<FeedOptions> = {}) {
    const feed = makeFeed({ url: plant.url, store: shared.store, ...options });
    feeds.push(feed);
    await feed.feed.start();
    return feed;
  }
  /** Changes as the outbox has them, all. */
  async function logged(): Promise<LoggedChange[]> {
    const session = await openSession(plant.url);
    try {
      return await changesOf(await new OutboxLog(session.query).read(undefined));
    } finally {
      await session.close();
    }
  }
  async function leading(...among: ReturnType<typeof makeFeed>[]) {
    await until('a leader', () => among.some(({ status }) => status.leading));
    return among.find(({ status }) => status.leading)!;
  }
  const renewedTokens = () => [...shared.tokens().keys()].sort();

  test('renews what any program inserts, changes, moves and deletes, once though two gateways run', async () => {
    const two = [await start(), await start()];
    await leading(...two);
    const [order, moved] = await plant.insert({ file_path: 'a.stl' }, { created_at: '2024-02-29T10:00Z' });
    await caughtUp(two[0]!.feed.position, plant);
    expect(renewedTokens()).toEqual(tokensOf(await logged()));
    for (const [changes, id] of [
      [{ status: 'SHIPPED' }, order!.id],
      [{ partner_id: 'partner-b' }, order!.id],
      [{ created_at: '2025-01-01T00:00Z' }, moved!.id],
    ] as const) {
      shared.writes.clear();
      const before = (await logged()).length;
      await plant.update(id, changes);
      await caughtUp(two[1]!.feed.position, plant);
      expect(shared.tokens()).toEqual(new Map(tokensOf((await logged()).slice(before)).map((token) => [token, 1])));
    }
    shared.writes.clear();
    await plant.query('delete from orders where id = $1', [moved!.id]);
    await caughtUp(two[0]!.feed.position, plant);
    expect(renewedTokens()).toEqual(tokensOf((await logged()).slice(-1)));
    expect(two.map(({ status }) => status.leading).sort()).toEqual([false, true]);
    expect(two.map(({ counted }) => counted.outside).sort()).toEqual([0, 6]);
  });

  test('tries again ever more slowly while the log cannot be read, although the database answers', async () => {
    const delays: Milliseconds[] = [];
    const hurried: Time = {
      now: systemTime.now,
      after: (delay, task) => {
        if (delay >= HOUR) return () => undefined;
        delays.push(delay);
        return systemTime.after(0, task);
      },
    };
    const broken = { read: () => Promise.reject(new Error('permission denied')), isBehind: () => Promise.resolve(true) };
    const feed = makeFeed({
      url: plant.url,
      store: shared.store,
      makeLog: () => ({ ...broken, prune: () => Promise.resolve(0) }),
      time: hurried,
      idle: HOUR,
    });
    await feed.feed.start();
    await until('it has been tried again', () => delays.length >= 7);
    expect(delays.slice(0, 7)).toEqual([200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
    expect(feed.status.connected).toBe(false);
    expect(feed.lines.filter((line) => line.includes('works again'))).toEqual([]);
    await feed.close();
  });

  test('leaves to a gateway its own changes, and renews those of one that died after the commit', async () => {
    const leader = await start();
    const database = new MesDatabase({ url: plant.url, poolMax: 2, timeout: 10 * SECOND });
    const [own, lost, outside, strange, side] = await plant.insert({}, {}, { created_at: '2024-01-01T00:00Z' }, {}, {});
    await caughtUp(leader.feed.position, plant);
    shared.writes.clear();
    const change = async (origin: string, ...orders: PlantOrder[]) => {
      await database.changeStatuses(
        orders.map(({ id }) => ({ id, status: 'SHIPPED' })),
        origin,
      );
    };
    const [marked, abandoned] = [leader.origins.next(), leader.origins.next()];
    // Of two orders that its transaction changed, as a trigger of the database may, the gateway knows one.
    await change(marked, own!, side!);
    await leader.renewals.renew([ownToken(own!)]);
    await leader.origins.tickOff(marked, [own!.id]);
    await change(abandoned, lost!);
    await change('another/mark', strange!);
    await plant.update(outside!.id, { status: 'SHIPPED' });
    // Nobody waits for the mark of the lost one.
    await until('the outside change is renewed', () => shared.writes.has(ownToken(outside!)));
    await until('the change of another store is renewed', () => shared.writes.has(ownToken(strange!)));
    expect(shared.writes.has(ownToken(lost!))).toBe(false);
    expect(leader.status.lag).toBeGreaterThan(0);
    await caughtUp(leader.feed.position, plant);
    expect([own, lost, outside, strange, side].map((order) => shared.writes.get(ownToken(order!)))).toEqual([1, 1, 1, 1, 1]);
    expect(leader.counted).toEqual({ outside: 7, gateway: 3, takenOver: 1 });
    await until('nothing waits', () => leader.status.lag === 0);
    await database.close();
  });

  test('the position does not pass a change that waits for its gateway', async () => {
    const leader = await start();
    const database = new MesDatabase({ url: plant.url, poolMax: 2, timeout: 10 * SECOND });
    const [order] = await plant.insert({});
    await caughtUp(leader.feed.position, plant);
    const origin = leader.origins.next();
    await database.changeStatuses([{ id: order!.id, status: 'SHIPPED' }], origin);
    shared.writes.clear();
    await caughtUp(leader.feed.position, plant);
    expect(shared.writes.has(ownToken(order!))).toBe(true);
    await database.close();
  });

  test('when the leader loses its connection somebody leads, and nothing is missed', async () => {
    const two = [await start(), await start()];
    await leading(...two);
    const [order] = await plant.insert({});
    await caughtUp(two[0]!.feed.position, plant);
    for (let round = 2; round < 6; round += 1) {
      shared.writes.clear();
      await plant.query(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'mes-gateway feed'
        and datname = current_database() and pid in (select pid from pg_locks where locktype = 'advisory')`);
      await plant.update(order!.id, { version: round });
      await until('the change is renewed', () => shared.writes.has(ownToken(order!)));
    }
    await leading(...two);
  });

  test('a leader that hangs is ended by the one that stands by', async () => {
    let hang = false;
    const hanging = (inner: FeedLog): FeedLog => ({
      read: async (since) => (hang ? new Promise(() => undefined) : inner.read(since)),
      isBehind: (position) => inner.isBehind(position),
      prune: (xid) => inner.prune(xid),
    });
    const first = makeFeed({ url: plant.url, store: shared.store, makeLog: (query) => hanging(new OutboxLog(query)) });
    await first.feed.start();
    await leading(first);
    const second = await start();
    const [order] = await plant.insert({});
    await caughtUp(second.feed.position, plant);
    hang = true;
    shared.writes.clear();
    await plant.update(order!.id, { version: 2 });
    await until('the change is renewed', () => shared.writes.has(ownToken(order!)), 20 * SECOND);
    expect(second.status.leading).toBe(true);
    expect(second.lines.join()).toContain('does not get on');
  });

  test('without the store nobody leads, and what changed meanwhile is renewed later', async () => {
    const two = [await start(), await start()];
    await leading(...two);
    const [order] = await plant.insert({});
    await caughtUp(two[0]!.feed.position, plant);
    const before = await two[0]!.feed.position.current();
    shared.writes.clear();
    shared.state.away = true;
    await plant.update(order!.id, { version: 2 });
    await until('nobody leads', () => two.every(({ status }) => !status.leading));
    await plant.update(order!.id, { version: 3 });
    expect(await two[0]!.feed.position.current()).toBeUndefined();
    shared.state.away = false;
    expect(await two[0]!.feed.position.current()).toBe(before);
    await caughtUp(two[0]!.feed.position, plant);
    expect(shared.writes.has(ownToken(order!))).toBe(true);
  });

  test('a renewal that the store does not take holds the position back, and is made up for', async () => {
    const leader = await start();
    await caughtUp(leader.feed.position, plant);
    const before = await leader.feed.position.current();
    shared.state.refusing = 'token:';
    const [order] = await plant.insert({});
    await until('it steps down', () => leader.lines.some((line) => line.startsWith('not leading')));
    expect(await leader.feed.position.current()).toBe(before);
    shared.state.refusing = '';
    await caughtUp(leader.feed.position, plant);
    expect(shared.writes.has(ownToken(order!))).toBe(true);
  });

  test('a position that the store has lost costs renewals, and nothing is missed', async () => {
    const [order] = await plant.insert({});
    const first = await start();
    await caughtUp(first.feed.position, plant);
    await first.close();
    shared = countingStore(createMemoryStore(MIB));
    const second = await start();
    await caughtUp(second.feed.position, plant);
    expect(shared.writes.has(ownToken(order!))).toBe(true);
  });

  test('each of two gateways with a store of its own renews', async () => {
    const other = countingStore(createMemoryStore(MIB));
    const two = [await start({ group: null, family: 'a' }), await start({ group: null, family: 'b', store: other.store })];
    const [order] = await plant.insert({});
    for (const { feed } of two) await caughtUp(feed.position, plant);
    expect([shared, other].map(({ writes }) => writes.get(ownToken(order!)))).toEqual([1, 1]);
    expect(two.map(({ status }) => status.leading)).toEqual([true, true]);
  });

  test('100 000 rows that one statement changes: each window once', async () => {
    await plant.query(`insert into orders select gen_random_uuid(), 'N' || n, 'SUBMITTED', timestamptz '2025-07-24T00:00Z' + n * interval '0.5 s',
      now(), 1, null, 'c', 'p', 'm', 1, 1, 'EUR', null from generate_series(0, 99999) n`);
    await plant.query('truncate orders_outbox');
    const leader = await start();
    await caughtUp(leader.feed.position, plant);
    await plant.query(`update orders set status = 'SHIPPED'`);
    await caughtUp(leader.feed.position, plant);
    const lists = [...shared.tokens()].filter(([key]) => key.startsWith('token:{orders'));
    expect(lists.every(([, count]) => count === 1)).toBe(true);
    // 50 000 seconds are 13.9 hours: 56, 28 and 14 tiles, and the day.
    expect(lists).toHaveLength(56 + 28 + 14 + 1);
    expect(shared.tokens().size - lists.length).toBe(100_000);
    expect(leader.counted.outside).toBe(100_000);
  });

  test('a backlog that is too large is renewed by whole days', async () => {
    const [moved] = await plant.insert(
      { created_at: '2024-02-29T10:00Z' },
      ...Array.from({ length: 40 }, () => ({ file_path: 'a.stl' })),
    );
    await plant.update(moved!.id, { created_at: '2024-03-02T10:00Z', partner_id: 'partner-b', file_path: 'b.stl' });
    await plant.insert({ created_at: 'infinity', updated_at: '2025-07-24T15:30Z' });
    const leader = await start({ limits: { page: 10, backlog: 20 } });
    await caughtUp(leader.feed.position, plant);
    const touched = tokensOf(await logged());
    expect(renewedTokens()).toEqual(expect.arrayContaining(touched));
    const lists = [...shared.tokens()].filter(([key]) => key.startsWith('token:{orders'));
    expect(lists).toHaveLength(3 * (96 + 48 + 24 + 1));
    expect(lists.every(([, count]) => count === 1)).toBe(true);
  });

  test('lets go of changes that are old enough', async () => {
    await plant.insert({}, {});
    const leader = await start({ retention: 300 });
    const rows = async () => (await plant.query('select 1 from orders_outbox')).length;
    await caughtUp(leader.feed.position, plant);
    await until('the outbox is empty', async () => (await rows()) === 0);
    expect(await plant.query(`select pruned > '0'::xid8 as pruned from orders_outbox_state`)).toEqual([{ pruned: true }]);
  });

  test('begins when the database answers, and tells that it did not', async () => {
    let attempts = 0;
    const connect = async (onAnnounce: () => void) => {
      attempts += 1;
      if (attempts < 4) throw new Error('refused');
      return (session = await PgFeedSession.open({ url: plant.url, timeout: 10 * SECOND, group: 'test', onAnnounce }));
    };
    let session: PgFeedSession | undefined;
    const feed = await start({ connect, makeLog: () => new OutboxLog((text, values) => session!.query(text, values)) });
    expect(feed.status.connected).toBe(false);
    await leading(feed);
    const [order] = await plant.insert({});
    await until('the change is renewed', () => shared.writes.has(ownToken(order!)));
    expect(feed.lines[0]).toContain('does not work');
    expect(feed.lines).toContain('the change feed works again{}');
  });

  test('ends in the middle of a backlog when it is closed, and leaves the rest to the next one', async () => {
    const [order] = await plant.insert({});
    let closing: Promise<void> | undefined;
    const endless = async function* () {
      for (;;) {
        closing ??= leader.close();
        yield [];
        await new Promise(setImmediate);
      }
    };
    const makeLog = (query: Query): FeedLog => {
      const inner = new OutboxLog(query);
      return {
        read: async (since) => ({ ...(await inner.read(since)), pages: endless() }),
        isBehind: (position) => inner.isBehind(position),
        prune: (xid) => inner.prune(xid),
      };
    };
    const leader = makeFeed({ url: plant.url, store: shared.store, makeLog });
    await leader.feed.start();
    await until('it closes', () => closing !== undefined);
    await within('its end', closing!);
    expect(await leader.feed.position.current()).toBeUndefined();
    const next = await start();
    await caughtUp(next.feed.position, plant);
    expect(shared.writes.has(ownToken(order!))).toBe(true);
  });

  test('off: neither connects nor tells', async () => {
    const feed = await start({ mode: 'off', connect: () => Promise.reject(new Error('must not connect')) });
    expect(feed.feed.mode).toBe('off');
    await expect(feed.feed.openLog().read(undefined)).rejects.toMatchObject({ code: 'SOURCE_UNAVAILABLE' });
    expect(feed.lines).toEqual([]);
  });

  test('wakes its followers when a change is committed, also one that stands by', async () => {
    const two = [await start({ idle: 60 * SECOND }), await start({ idle: 60 * SECOND })];
    await leading(...two);
    const woken = [0, 0];
    const ends = two.map(({ feed }, index) => feed.onWake(() => (woken[index] = (woken[index] ?? 0) + 1)));
    await plant.insert({});
    await until('both are woken', () => woken.every((count) => count === 1));
    ends[0]!();
    await plant.insert({});
    await until('one is woken again', () => woken[1] === 2);
    expect(woken).toEqual([1, 2]);
  });
});
