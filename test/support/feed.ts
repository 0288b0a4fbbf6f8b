import pg from 'pg';
import { unavailable, type Store } from '../../src/cache/store.js';
import { Renewals } from '../../src/cache/renewals.js';
import type { ChangeRead, LoggedChange } from '../../src/changes/change-log.js';
import { Drain } from '../../src/changes/drain.js';
import type { FeedLog } from '../../src/changes/feed-log.js';
import { ChangeFeed, type FeedParts } from '../../src/changes/feed.js';
import { FeedState } from '../../src/changes/feed-state.js';
import { FeedStatus } from '../../src/changes/feed-status.js';
import { Origins } from '../../src/changes/origins.js';
import type { FeedMode } from '../../src/changes/position.js';
import { covers, parseSnapshot } from '../../src/changes/snapshot.js';
import { PlantCalendar } from '../../src/orders/plant-day.js';
import { PgFeedSession, type Query } from '../../src/sources/feed-session.js';
import { migrate } from '../../src/sources/migrations/migrate.js';
import { OutboxLog, type OutboxLimits } from '../../src/sources/outbox-log.js';
import { PollLog } from '../../src/sources/poll-log.js';
import { systemTime, type Time } from '../../src/time.js';
import { HOUR, SECOND, type Milliseconds, type Snapshot } from '../../src/units.js';
import { storeWith } from './cache-parts.js';
import { freshPlant, type Plant, type PlantOptions } from './plant.js';
import { until } from './race.js';

export const LEVELS = [15, 30, 60];
export const calendar = new PlantCalendar('UTC');

/** A plant whose database has the outbox. */
export async function outboxPlant(options: PlantOptions = {}): Promise<Plant> {
  const plant = await freshPlant(options);
  await migrate({ url: plant.url, log: () => undefined });
  return plant;
}

/** A session of no group, as a source of statements. */
export async function openSession(url: string): Promise<PgFeedSession> {
  return PgFeedSession.open({ url, timeout: 20 * SECOND, group: undefined });
}

/** Connections to `url`, each with a transaction that is open. */
export function openTransactions(url: string) {
  const clients: pg.Client[] = [];
  return {
    begin: async (): Promise<pg.Client> => {
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      clients.push(client);
      await client.query('begin');
      return client;
    },
    /** Rolls back what is still open. */
    end: () => Promise.all(clients.splice(0).map((client) => client.end())),
  };
}

export async function changesOf(read: ChangeRead): Promise<LoggedChange[]> {
  const changes: LoggedChange[] = [];
  for await (const page of read.pages) changes.push(...page);
  return changes;
}

/** `inner`, which counts how often each key was written, and can be away, or refuse writes of keys that begin with a text. */
export function countingStore(inner: Store) {
  const writes = new Map<string, number>();
  const state = { away: false, refusing: '' };
  const store = storeWith(inner, {
    getMany: (keys) => (state.away ? Promise.resolve(unavailable('away')) : inner.getMany(keys)),
    setMany: async (entries) => {
      const refused = state.refusing !== '' && entries.some(({ key }) => key.startsWith(state.refusing));
      if (state.away || refused) return unavailable('away');
      const written = await inner.setMany(entries);
      for (const { key } of entries) writes.set(key, (writes.get(key) ?? 0) + 1);
      return written;
    },
  });
  return {
    store,
    state,
    writes,
    tokens: () => new Map([...writes].filter(([key]) => key.startsWith('token:'))),
  };
}

export interface FeedOptions {
  readonly url: string;
  readonly store: Store;
  readonly mode?: FeedMode;
  /** `null`: this process leads for itself. */
  readonly group?: string | null;
  readonly family?: string;
  readonly limits?: OutboxLimits;
  readonly retention?: Milliseconds;
  readonly idle?: Milliseconds;
  readonly makeLog?: (query: Query) => FeedLog;
  readonly connect?: FeedParts['connect'];
  /** Of the feed's own pauses. */
  readonly time?: Time;
}

/** The feed of one process. */
export function makeFeed(options: FeedOptions) {
  const { url, store, mode = 'outbox', group = 'test', family = 'test', retention = HOUR, idle = 500 } = options;
  const status = new FeedStatus(systemTime.now);
  const origins = new Origins(store, family, systemTime);
  const renewals = new Renewals((entries) => store.setMany(entries), systemTime);
  const counted = { outside: 0, gateway: 0, takenOver: 0 };
  const counters = {
    feedChanges: (source: 'outside' | 'gateway', count: number) => void (counted[source] += count),
    feedTakenOver: (count: number) => void (counted.takenOver += count),
  };
  const lines: string[] = [];
  let session: PgFeedSession | undefined;
  const query: Query = (text, values) => (session ? session.query(text, values) : Promise.reject(new Error('no session')));
  const feed = new ChangeFeed({
    connect:
      options.connect ??
      (async (onAnnounce) =>
        (session = await PgFeedSession.open({ url, timeout: 20 * SECOND, group: group ?? undefined, onAnnounce }))),
    mode,
    decide: () => Promise.resolve(mode),
    makeLog: (wanted) =>
      options.makeLog?.(query) ?? (wanted === 'outbox' ? new OutboxLog(query, options.limits) : new PollLog(query, retention)),
    drain: new Drain({ renewals, origins, levels: LEVELS, calendar, status, counters, time: systemTime }),
    state: new FeedState(store, 'test'),
    status,
    time: options.time ?? systemTime,
    idle: () => idle,
    retention,
    log: {
      info: (detail, message) => void lines.push(message + JSON.stringify(detail)),
      warn: (detail, message) => void lines.push(message + JSON.stringify(detail)),
    },
  });
  const close = async () => {
    await feed.close();
    await renewals.close();
  };
  return { feed, status, origins, renewals, counted, lines, close, session: () => session };
}

/** Waits until the feed has renewed all that is committed now. */
export async function caughtUp(position: { current(): Promise<Snapshot | undefined> }, plant: Plant): Promise<void> {
  const [row] = await plant.query('select pg_current_snapshot()::text as snapshot');
  const wanted = parseSnapshot(String(row!['snapshot']));
  await until('the feed has caught up', async () => {
    const current = await position.current();
    return current !== undefined && covers(parseSnapshot(current), wanted);
  });
}
