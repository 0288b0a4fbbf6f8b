import type { Outcome, Trace } from './outcome.js';

/** What one operation cost, for `extensions.cache` and the log. */
export interface TraceSummary {
  /** Whether anything was answered from an expired entry, because its source did not answer. */
  readonly stale: boolean;
  /** Entity → outcome → number of keys. */
  readonly outcomes: Readonly<Record<string, Partial<Record<Outcome, number>>>>;
  readonly sqlStatements: number;
  readonly storeRoundTrips: number;
}

/** Counts for one operation, and passes everything on to `sink`, which counts for all. */
export class OperationTrace implements Trace {
  private readonly outcomes: Record<string, Partial<Record<Outcome, number>>> = {};
  private sqlStatements = 0;
  private storeRoundTrips = 0;

  /** @param party on whose behalf the operation is */
  constructor(
    private readonly sink?: Trace,
    readonly party = '',
  ) {}

  outcome(entity: string, outcome: Outcome): void {
    const counts = (this.outcomes[entity] ??= {});
    counts[outcome] = (counts[outcome] ?? 0) + 1;
    this.sink?.outcome(entity, outcome);
  }

  storeRoundTrip(): void {
    this.storeRoundTrips += 1;
    this.sink?.storeRoundTrip();
  }

  sqlStatement(): void {
    this.sqlStatements += 1;
    this.sink?.sqlStatement();
  }

  /** Whether anything was answered that may be out of date. */
  get isStale(): boolean {
    return Object.values(this.outcomes).some((counts) => counts.stale !== undefined);
  }

  summary(): TraceSummary {
    return {
      stale: this.isStale,
      outcomes: this.outcomes,
      sqlStatements: this.sqlStatements,
      storeRoundTrips: this.storeRoundTrips,
    };
  }
}
