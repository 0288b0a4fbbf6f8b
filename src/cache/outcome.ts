/**
 * How one key of a read was answered; the same word stands in metrics, logs, `Cache-Status` and `extensions.cache`.
 *
 * - `hit-memory`: this process had it, and its token is current
 * - `hit-store`: the shared store had it, and its token is current
 * - `filled`: loaded from the source, and kept
 * - `joined`: another reader of this process was loading it already
 * - `awaited`: another process was loading it already, and this one waited for the entry
 * - `bypassed`: loaded from the source and not kept, because the store did not answer, or does not know yet of a change made here
 * - `reused`: the store did not answer, and a load of the last second was used again
 * - `stale`: the source did not answer; an entry that has expired, and is not known to be outdated, stood in for it
 * - `failed`: nothing could be answered
 */
export const OUTCOMES = [
  'hit-memory',
  'hit-store',
  'filled',
  'joined',
  'awaited',
  'bypassed',
  'reused',
  'stale',
  'failed',
] as const;

export type Outcome = (typeof OUTCOMES)[number];

/** What one operation did below the cache. Passed along a read; implementations count, log or ignore. */
export interface Trace {
  /** On whose behalf it is; absent: nobody's in particular. For fairness among them only: what is answered is the same for all. */
  readonly party?: string;
  outcome(entity: string, outcome: Outcome): void;
  /** One request to the store and its answer, shared with others or not. */
  storeRoundTrip(): void;
  /** One statement sent to the database. */
  sqlStatement(): void;
}
