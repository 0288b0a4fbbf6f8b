import type { Milliseconds } from '../units.js';

/** A value as the store keeps it: anything that JSON can hold, except `null` and `undefined`. */
export type StoredValue = string | number | boolean | object;

export interface StoreEntry {
  readonly key: string;
  readonly value: StoredValue;
  readonly ttl: Milliseconds;
}

/**
 * `epoch` names one uninterrupted life of the store's memory. After a restart or a failover, which may bring older data
 * back, it is another one. Who keeps something that was read must keep its epoch with it.
 */
export type StoreRead =
  { readonly kind: 'read'; readonly epoch: string; readonly values: readonly (StoredValue | undefined)[] } | Unavailable;

export type StoreWrite = { readonly kind: 'written'; readonly epoch: string } | Unavailable;

/** The store did not answer. Says nothing about what it holds: a write that is unavailable may still arrive later. */
export interface Unavailable {
  readonly kind: 'unavailable';
  /** For logs only. */
  readonly reason: string;
}

/**
 * The shared key-value store below the cache. Any number of callers at once. Never throws: trouble is an outcome, and
 * never looks like a miss.
 */
export interface Store {
  /** One round trip. `values[i]` belongs to `keys[i]`; `undefined`: the store answered that there is no such key. */
  getMany(keys: readonly string[]): Promise<StoreRead>;
  /** One round trip, for all entries or none. An entry vanishes after its `ttl`, or earlier. */
  setMany(entries: readonly StoreEntry[]): Promise<StoreWrite>;
  close(): Promise<void>;
}

export function unavailable(reason: string): Unavailable {
  return { kind: 'unavailable', reason };
}
