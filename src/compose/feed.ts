import { createHash, randomUUID } from 'node:crypto';
import type { FastifyBaseLogger } from 'fastify';
import type { CommandParts } from '../changes/commands.js';
import { Drain } from '../changes/drain.js';
import { ChangeFeed } from '../changes/feed.js';
import { FeedState } from '../changes/feed-state.js';
import type { FeedStatus } from '../changes/feed-status.js';
import { Origins } from '../changes/origins.js';
import type { ChangeSignals, FeedMode } from '../changes/position.js';
import { retentionOf } from '../changes/pruning.js';
import { ConfigError, type Config } from '../config.js';
import { sourceUnavailable } from '../errors.js';
import type { PlantCalendar } from '../orders/plant-day.js';
import { PgFeedSession, type Query } from '../sources/feed-session.js';
import { outboxProblem } from '../sources/outbox-check.js';
import { OutboxLog } from '../sources/outbox-log.js';
import { PollLog } from '../sources/poll-log.js';
import type { Metrics } from '../telemetry/metrics.js';
import { systemTime } from '../time.js';
import { SECOND } from '../units.js';
import type { OpenedCache } from './cache.js';
import type { Closing } from './closing.js';

/** How late a change is seen whose announcement was lost. */
const SLOW_POLL = 2 * SECOND;

export interface OpenedFeed {
  readonly signals: ChangeSignals;
  /** Marks for a gateway's own changes. */
  readonly origins: CommandParts['origins'];
}

export interface FeedParts {
  readonly databaseUrl: string;
  readonly cache: OpenedCache;
  readonly calendar: PlantCalendar;
  readonly status: FeedStatus;
  readonly metrics: Metrics;
}

/** The change feed, as configured. @throws ConfigError if the database answers and has not what CHANGE_FEED asks for */
export async function openFeed(
  config: Config,
  { databaseUrl: url, cache, calendar, status, metrics }: FeedParts,
  log: FastifyBaseLogger,
  closing: Closing,
): Promise<OpenedFeed> {
  const { feed, orders, store, database } = config;
  const installation = store.urls ? installationOf(feed.group, store.urls) : undefined;
  const origins = new Origins(cache.store, installation ?? randomUUID(), systemTime);
  const retention = retentionOf(Math.max(orders.ttl, orders.freshTtl) + store.staleFor);
  let session: PgFeedSession | undefined;
  const query: Query = (text, values) =>
    session ? session.query(text, values) : Promise.reject(sourceUnavailable('order database'));
  const changeFeed = new ChangeFeed({
    connect: async (onAnnounce) => {
      const listening = feed.mode !== 'poll' && { onAnnounce };
      return (session = await PgFeedSession.open({ url, timeout: database.timeout, group: installation, ...listening }));
    },
    ...((feed.mode === 'poll' || feed.mode === 'off') && { mode: feed.mode }),
    decide: () => decide(feed.mode === 'outbox', query, log),
    makeLog: (mode) => (mode === 'outbox' ? new OutboxLog(query) : new PollLog(query, retention)),
    drain: new Drain({
      renewals: cache.renewals,
      origins,
      levels: orders.levels,
      calendar,
      status,
      counters: metrics,
      time: systemTime,
    }),
    state: new FeedState(cache.store, feed.group),
    status,
    time: systemTime,
    idle: (mode) => (mode === 'poll' ? feed.pollEach : SLOW_POLL),
    retention,
    log,
  });
  closing.push(() => changeFeed.close());
  await changeFeed.start();
  return {
    signals: changeFeed,
    origins: {
      next: () => (changeFeed.mode === 'outbox' ? origins.next() : undefined),
      tickOff: (origin, orderIds) => origins.tickOff(origin, orderIds),
    },
  };
}

/**
 * Those who choose a leader among them: the same group on the same store. A store that has two names makes two leaders, which
 * is only more work; two stores under one leader would leave one of them without renewals.
 */
function installationOf(group: string, storeUrls: readonly string[]): string {
  const places = storeUrls.map((each) => new URL(each)).map(({ host, pathname }) => `${host}${pathname}`);
  return createHash('sha256')
    .update([group, ...places.sort()].join('\n'))
    .digest('base64url')
    .slice(0, 16);
}

/** The outbox if the database has it. */
async function decide(required: boolean, query: Query, log: FastifyBaseLogger): Promise<FeedMode> {
  const problem = await outboxProblem(query);
  if (problem === undefined) return 'outbox';
  if (required) throw new ConfigError(`CHANGE_FEED: expected a database with the outbox, but ${problem}.`);
  log.warn(
    { problem },
    'CHANGE_FEED is off: changes by other programs are seen only when entries expire. Run "npm run migrate" and restart, or set CHANGE_FEED',
  );
  return 'off';
}
