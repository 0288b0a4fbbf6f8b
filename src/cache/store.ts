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

/** A wish to fill the entry of one key. */
export interface Claim {
  readonly tokenKey: string;
  readonly lockKey: string;
  /** Becomes the key's token if it has none. */
  readonly nonce: string;
}

export type Claimed =
  | {
      readonly kind: 'claimed';
      readonly epoch: string;
      /** For each claim the nonce that is the key's token now, and whether the lock was got for it. */
      readonly results: readonly { readonly nonce: StoredValue; readonly locked: boolean }[];
    }
  | Unavailable;

/**
 * The shared key-value store below the cache. Any number of callers at once. Never throws: trouble is an outcome, and
 * never looks like a miss.
 */
export interface Store {
  /** One round trip. `values[i]` belongs to `keys[i]`; `undefined`: the store answered that there is no such key. */
  getMany(keys: readonly string[]): Promise<StoreRead>;
  /** One round trip, for all entries or none. An entry vanishes after its `ttl`, or earlier. */
  setMany(entries: readonly StoreEntry[]): Promise<StoreWrite>;
  /**
   * One round trip: gives each key a token if it has none, and the lock on its fill for `ttl` to `owner`, unless somebody
   * else holds that for the same token. A lock for a token that is no longer current is worth nothing, and is taken over.
   */
  claim(claims: readonly Claim[], owner: string, ttl: Milliseconds): Promise<Claimed>;
  /** Keeps the locks that `owner` still holds for another `ttl`; 0 lets go of them. Locks of others are left alone. */
  hold(lockKeys: readonly string[], owner: string, ttl: Milliseconds): Promise<void>;
  close(): Promise<void>;
}

export function unavailable(reason: string): Unavailable {
  return { kind: 'unavailable', reason };
}
