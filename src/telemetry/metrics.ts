import { Counter, Gauge, Histogram, collectDefaultMetrics, Registry } from 'prom-client';
import type { Outcome, Trace } from '../cache/outcome.js';
import type { Bytes, Seconds } from '../units.js';

/** Values that are read when somebody scrapes. */
export interface Gauges {
  readonly memoryTierBytes: () => Bytes;
  readonly pendingRenewals: () => number;
  readonly storeAvailable: () => boolean;
}

/** Prometheus metrics of one gateway process; docs/operations.md explains each. */
export class Metrics implements Trace {
  private readonly registry = new Registry();
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

  constructor(gauges: Gauges) {
    collectDefaultMetrics({ register: this.registry });
    this.gauge('mes_memory_tier_bytes', 'Size of the decoded entries and whole answers in memory.', gauges.memoryTierBytes);
    this.gauge('mes_pending_renewals', 'Invalidations that the store has not acknowledged yet.', gauges.pendingRenewals);
    this.gauge('mes_store_available', '1 while the store answers, 0 while the breaker is open.', () =>
      Number(gauges.storeAvailable()),
    );
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

  request(route: string, status: number, duration: Seconds): void {
    this.requests.observe({ route, status }, duration);
  }

  /** In the text format of Prometheus. */
  async text(): Promise<{ contentType: string; body: string }> {
    return { contentType: this.registry.contentType, body: await this.registry.metrics() };
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
