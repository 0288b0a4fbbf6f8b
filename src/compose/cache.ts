import type { FastifyBaseLogger } from 'fastify';
import { GuardedStore } from '../cache/guarded-store.js';
import { JoinedReader } from '../cache/joined-reader.js';
import { createMemoryStore } from '../cache/keyv-store.js';
import { MemoryTier } from '../cache/memory-tier.js';
import type { CacheParts } from '../cache/filler.js';
import { gated } from '../cache/gated.js';
import { LoadGate } from '../cache/load-gate.js';
import { ReadThrough } from '../cache/read-through.js';
import { ReadyAnswers } from '../cache/ready-answers.js';
import { createRedisStore } from '../cache/redis-store.js';
import { Renewals } from '../cache/renewals.js';
import { Reuse } from '../cache/reuse.js';
import type { FeedStatus } from '../changes/feed-status.js';
import type { Config } from '../config.js';
import type { FileSource } from '../files/file.js';
import type { Caches } from '../loaders/caches.js';
import { files, singleOrders, type OrderTtls } from '../loaders/entities.js';
import { fileFill } from '../loaders/file-fill.js';
import type { Loaders } from '../loaders/loaders.js';
import { ownFiles, ownOrders } from '../loaders/ownership.js';
import { listsOnly, orderLists, type ListSource } from '../loaders/order-lists.js';
import type { TimeRange } from '../orders/tiles.js';
import type { MesDatabase } from '../sources/mes-database.js';
import { systemTime } from '../time.js';
import { SECOND } from '../units.js';
import type { Closing } from './closing.js';
import type { OpenedLevels } from './levels.js';

/** How long the breaker stays open after the store failed. */
const STORE_PAUSE = SECOND;
const SPARE_CONNECTIONS = 2;
/** The part of this process's memory that whole answers may take; decoded entries have the rest. */
const ANSWERS_SHARE = 1 / 4;

/** What the caches are filled from. */
export interface CacheSources {
  readonly database: MesDatabase;
  readonly files: FileSource;
  readonly feed: Pick<FeedStatus, 'recordsChanges'>;
  readonly ttls: OrderTtls;
}

export interface OpenedCache {
  readonly caches: Caches;
  readonly renewals: Renewals;
  readonly memory: MemoryTier;
  readonly answers: ReadyAnswers<Loaders>;
  readonly store: GuardedStore;
  /** Bounds what is asked of the order database. */
  readonly gate: LoadGate;
}

/** The shared store (Redis, or this process's own memory), and the caches on it. */
export function openCache(
  config: Config,
  sources: CacheSources,
  log: FastifyBaseLogger,
  levels: OpenedLevels,
  closing: Closing,
): OpenedCache {
  const store = openStore(config, log);
  closing.push(() => store.close());
  const renewals = new Renewals((entries) => {
    levels.meter.renewed(entries.map(({ key }) => key));
    return store.insist(entries);
  }, systemTime);
  closing.push(() => renewals.close());
  const answersMax = Math.floor(config.store.maxMemory * ANSWERS_SHARE);
  const memory = new MemoryTier(config.store.maxMemory - answersMax);
  const answers = new ReadyAnswers<Loaders>(answersMax, systemTime.now);
  const reader = new JoinedReader(store);
  const { fillLock, staleFor } = config.store;
  const reuse = new Reuse(renewals, systemTime);
  const parts: CacheParts = { reader, store, memory, renewals, reuse, fillLock, staleFor, time: systemTime, random: Math.random };
  const { poolMax, loadQueue } = config.database;
  // Mutations and probes find a connection even when loads take all that they may.
  const gate = new LoadGate('order database', Math.max(1, poolMax - SPARE_CONNECTIONS), loadQueue);
  const caches = cachesOf(config, sources, levels, gate, parts);
  closing.push(async () => {
    await Promise.all(Object.values(caches).map((cache: Pick<ReadThrough<never, unknown>, 'flush'>) => cache.flush()));
  });
  levels.start(store, closing);
  return { caches, renewals, memory, answers, store, gate };
}

function cachesOf(config: Config, sources: CacheSources, levels: OpenedLevels, gate: LoadGate, parts: CacheParts): Caches {
  const { database, files: source, ttls } = sources;
  return {
    lists: levels.lists(
      listsOnly(
        new ReadThrough(
          gated(gate, orderLists(listSource(sources, levels), { ...config.orders, ttls, clock: systemTime.now })),
          parts,
        ),
      ),
    ),
    orders: new ReadThrough(
      gated(
        gate,
        singleOrders((ids, signal) => database.ordersById(ids, signal), ttls),
      ),
      parts,
    ),
    ownOrders: new ReadThrough(
      gated(
        gate,
        ownOrders((partners, ids, signal) => database.ownOrders(partners, ids, signal), ttls),
      ),
      parts,
    ),
    ownFiles: new ReadThrough(
      gated(
        gate,
        ownFiles((partners, paths, signal) => database.ownFiles(partners, paths, signal), ttls),
      ),
      parts,
    ),
    files: new ReadThrough(files(fileFill(source, config.files.inlineMax), config.files), parts),
  };
}

/** Lists carried on by the outbox as long as it records all changes; else they are read whole each time. */
function listSource({ database, feed }: CacheSources, levels: OpenedLevels): ListSource {
  const whole = async (ranges: readonly TimeRange[], signal?: AbortSignal) =>
    feed.recordsChanges ? database.listsCreatedIn(ranges, signal) : { orders: await database.ordersCreatedIn(ranges, signal) };
  return {
    ordersCreatedIn: (ranges, signal) => levels.timed(() => whole(ranges, signal)),
    changesSince: async (bases, signal) => (feed.recordsChanges ? database.changesSince(bases, signal) : undefined),
  };
}

/** Where nobody tells of changes by other programs, what they are likely to change soon lives shorter. */
export function ttlsOf({ ttl, freshTtl }: OrderTtls, feed: Pick<FeedStatus, 'seesChanges'>): OrderTtls {
  return {
    ttl,
    get freshTtl() {
      return feed.seesChanges ? ttl : freshTtl;
    },
  };
}

function openStore(config: Config, log: FastifyBaseLogger): GuardedStore {
  const { urls, deadline, maxMemory } = config.store;
  const inner = urls
    ? createRedisStore(urls, ({ event, reason }) => log.info({ event, reason }, 'store connection'))
    : createMemoryStore(maxMemory);
  if (!urls && config.database.url !== undefined) {
    log.warn('REDIS_URL is not set: the cache is of this process alone, so changes made by other gateways are seen late');
  }
  return new GuardedStore(inner, {
    deadline,
    pause: STORE_PAUSE,
    time: systemTime,
    onPhase: (phase, reason) => log.warn({ phase, reason }, 'store breaker'),
  });
}
