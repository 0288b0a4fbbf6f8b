import { Counter, Gauge, Histogram, collectDefaultMetrics, Registry } from 'prom-client';
import type { Outcome, Trace } from '../cache/outcome.js';
import type { FeedCounters } from '../changes/drain.js';
import { FileCounters } from './file-metrics.js';
import { SECOND, type Bytes, type Milliseconds, type Minutes, type Seconds } from '../units.js';

/** Values that are read when somebody scrapes. */
export interface Gauges {
  readonly memoryTierBytes: () => Bytes;
  readonly pendingRenewals: () => number;
  readonly storeAvailable: () => boolean;
  readonly feed: { readonly connected: boolean; readonly leading: boolean; readonly lag: Milliseconds };
  readonly levels: LevelGauges;
}

export interface LevelGauges {
  /** Window size → days of data that have it. */
  readonly daysByLevel: ReadonlyMap<Minutes, number>;
  readonly switches: number;
  readonly overfull: number;
}

const DROP_REASONS = ['slow', 'expired', 'gone', 'interrupted'] as const;

/**
 * Why the gateway ended a connection or a subscription: its client was too slow; its token had expired; its peer was gone;
 * events may have been missed.
 */
export type DropReason = (typeof DROP_REASONS)[number];

/** Prometheus metrics of one gateway process; docs/operations.md explains each. */
export class Metrics implements Trace, FeedCounters {
  private readonly registry = new Registry();
  /** Of files' bytes. */
  readonly files = new FileCounters(this.registry);
  private readonly outcomes = new Counter({
    name: 'mes_cache_outcomes_total',
    help: 'Keys answered, by entity and outcome.',
    labelNames: ['entity', 'outcome'] as const,
    registers: [this.registry],
  });
  private readonly sqlStatements = new Counter({
    name: 'mes_sql_statements_total',
    help: 'Loads from and changes of the order database; a change is one, although its transaction has several statements.',
    registers: [this.registry],
  });
  private readonly storeRoundTrips = new Counter({
    name: 'mes_store_round_trips_total',
    help: 'Store requests of operations, those after the answer included; one request may serve several operations.',
    registers: [this.registry],
  });
  private readonly readyAnswers = new Counter({
    name: 'mes_ready_answers_total',
    help: 'Queries answered with a whole answer that was kept, after its reads were found to be what they were.',
    registers: [this.registry],
  });
  private readonly requests = new Histogram({
    name: 'mes_http_request_duration_seconds',
    help: 'Time until the answer was sent, by route and status.',
    labelNames: ['route', 'status'] as const,
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [this.registry],
  });
  private readonly changes = new Counter({
    name: 'mes_feed_changes_total',
    help: 'Changes that this process read as leader of the change feed, by who made them.',
    labelNames: ['source'] as const,
    registers: [this.registry],
  });
  private readonly takenOver = new Counter({
    name: 'mes_feed_taken_over_total',
    help: 'Mutations that the feed renewed, because the gateway that made them had not done so in time.',
    registers: [this.registry],
  });
  private readonly connections = new Gauge({
    name: 'mes_live_connections',
    help: 'Connections that stay open, by transport.',
    labelNames: ['transport'] as const,
    registers: [this.registry],
  });
  private readonly subscriptions = new Gauge({
    name: 'mes_live_subscriptions',
    help: 'Subscriptions that go on.',
    registers: [this.registry],
  });
  private readonly events = new Counter({
    name: 'mes_live_events_total',
    help: 'Events handed to the connections of subscribers.',
    registers: [this.registry],
  });
  private readonly dropped = new Counter({
    name: 'mes_live_dropped_total',
    help: 'Connections and subscriptions that the gateway ended, by reason.',
    labelNames: ['reason'] as const,
    registers: [this.registry],
  });

  private readonly limited = new Counter({
    name: 'mes_rate_limited_total',
    help: 'Requests and operations refused because a rate limit was used up, by limit.',
    labelNames: ['limit'] as const,
    registers: [this.registry],
  });
  private readonly lostAudits = new Counter({
    name: 'mes_audit_lost_total',
    help: 'Changes of files that are not in the audit log, because it could not be written.',
    registers: [this.registry],
  });
  private readonly refusedConnections = new Counter({
    name: 'mes_connections_refused_total',
    help: 'Connections refused because there were too many, in all or of one address.',
    labelNames: ['cap'] as const,
    registers: [this.registry],
  });

  constructor(gauges: Gauges) {
    collectDefaultMetrics({ register: this.registry });
    for (const transport of ['websocket', 'sse']) this.connections.set({ transport }, 0);
    for (const cap of ['all', 'address']) this.refusedConnections.inc({ cap }, 0);
    for (const reason of DROP_REASONS) this.dropped.inc({ reason }, 0);
    this.gauge('mes_memory_tier_bytes', 'Size of the decoded entries and whole answers in memory.', gauges.memoryTierBytes);
    this.gauge('mes_pending_renewals', 'Invalidations that the store has not acknowledged yet.', gauges.pendingRenewals);
    this.gauge('mes_store_available', '1 while the store answers, 0 while the breaker is open.', () =>
      Number(gauges.storeAvailable()),
    );
    this.levels(gauges.levels);
    const { feed } = gauges;
    this.gauge('mes_feed_connected', '1 while the change feed has its connection to the database.', () => Number(feed.connected));
    this.gauge('mes_feed_leader', '1 while this process renews what other programs change.', () => Number(feed.leading));
    this.gauge('mes_feed_lag_seconds', 'Age of the oldest change that the leader has not renewed yet.', () => feed.lag / SECOND);
  }

  outcome(entity: string, outcome: Outcome): void {
    this.outcomes.inc({ entity, outcome });
  }

  sqlStatement(): void {
    this.sqlStatements.inc();
  }

  storeRoundTrip(): void {
    this.storeRoundTrips.inc();
  }

  readyAnswer(): void {
    this.readyAnswers.inc();
  }

  feedChanges(source: 'outside' | 'gateway', count: number): void {
    this.changes.inc({ source }, count);
  }

  feedTakenOver(mutations: number): void {
    this.takenOver.inc(mutations);
  }

  liveConnections(transport: 'websocket' | 'sse', change: 1 | -1): void {
    this.connections.inc({ transport }, change);
  }

  liveSubscriptions(change: 1 | -1): void {
    this.subscriptions.inc(change);
  }

  liveEvent(): void {
    this.events.inc();
  }

  liveDropped(reason: DropReason): void {
    this.dropped.inc({ reason });
  }

  rateLimited(limit: string): void {
    this.limited.inc({ limit });
  }

  auditLost(changes: number): void {
    this.lostAudits.inc(changes);
  }

  connectionRefused(cap: 'all' | 'address'): void {
    this.refusedConnections.inc({ cap });
  }

  request(route: string, status: number, duration: Seconds): void {
    this.requests.observe({ route, status }, duration);
  }

  /** In the text format of Prometheus. */
  async text(): Promise<{ contentType: string; body: string }> {
    return { contentType: this.registry.contentType, body: await this.registry.metrics() };
  }

  private levels(levels: LevelGauges): void {
    new Gauge({
      name: 'mes_order_level_days',
      help: 'Days of data read lately, by the level of their windows in minutes.',
      labelNames: ['level'] as const,
      registers: [this.registry],
      collect() {
        for (const [level, days] of levels.daysByLevel) this.set({ level }, days);
      },
    });
    this.counter('mes_order_level_switches_total', 'Changes of the level of a day.', () => levels.switches);
    this.counter('mes_order_overfull_total', 'Falls to a smaller level for too many rows.', () => levels.overfull);
  }

  private counter(name: string, help: string, value: () => number): void {
    new Counter({
      name,
      help,
      registers: [this.registry],
      collect() {
        this.reset();
        this.inc(value());
      },
    });
  }

  private gauge(name: string, help: string, value: () => number): void {
    new Gauge({
      name,
      help,
      registers: [this.registry],
      collect() {
        this.set(value());
      },
    });
  }
}
