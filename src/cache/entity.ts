import type { Bytes, EpochMilliseconds, Milliseconds } from '../units.js';
import type { Outcome, Trace } from './outcome.js';

/** One kind of cached thing: how its keys are spelled, how it is loaded, how long it is kept. */
export interface CachedEntity<K, V> {
  /** For metrics and logs. */
  readonly name: string;
  /** Where the store keeps the entry; may be the same for keys that follow each other in time. */
  valueKey(key: K): string;
  /** Where the store keeps the token; another one for each key. */
  tokenKey(key: K): string;
  /**
   * Asks the source for all keys at once; `result[i]` belongs to `keys[i]`. Whole or nothing: what could not be loaded
   * completely must throw, and then nothing is cached.
   * @param former a value that `keys[index]` had at some time before, if one is at hand: for a source that can tell what
   *   has changed since. It may be out of date.
   * @param signal aborted when nobody waits for the answer any more: the source may give it up
   */
  load(keys: readonly K[], trace: Trace, former: (index: number) => V | undefined, signal: AbortSignal): Promise<readonly V[]>;
  ttl(key: K, value: V): Milliseconds;
  /** About how much memory the decoded value takes. */
  weigh(value: V): Bytes;
  /** The value as JSON can hold it, and back. */
  pack(value: V): unknown;
  unpack(stored: unknown): V;
}

/** What a read gives for one key. */
export interface Answer<V> {
  readonly value: V;
  /** The source was asked at or after this moment. */
  readonly loadedAt: EpochMilliseconds;
  readonly outcome: Outcome;
}
