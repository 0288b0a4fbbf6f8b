import { randomUUID } from 'node:crypto';
import { Keyv } from 'keyv';
import { LRUCache } from 'lru-cache';
import type { Bytes, Milliseconds } from '../units.js';
import { TOKEN_TTL } from './entry.js';
import {
  unavailable,
  type Claim,
  type Claimed,
  type Store,
  type StoredValue,
  type StoreEntry,
  type StoreRead,
  type StoreWrite,
} from './store.js';

/** Answers the epoch in which the store lives now, or `undefined` while it is not known (not connected). */
export type EpochSource = () => string | undefined;

/** What Keyv accepts as a backend: `KeyvRedis`, a Map. */
export type KeyvBackend = object;

/**
 * The store port over Keyv. Keys reach the backend verbatim, without a prefix.
 *
 * The epoch is compared before and after each request: an answer counts only if it came in one epoch, because a client
 * may send a request again on a new connection, to a server with older data.
 */
export class KeyvStore implements Store {
  private readonly keyv: Keyv<StoredValue>;

  constructor(
    backend: KeyvBackend,
    private readonly epoch: EpochSource,
    private readonly disconnect: () => void = () => undefined,
  ) {
    this.keyv = new Keyv<StoredValue>({
      store: backend,
      useKeyPrefix: false,
      throwOnErrors: true,
      serialize: JSON.stringify,
      deserialize: parseLeniently,
    });
    this.keyv.namespace = undefined;
    // Every failure also reaches the caller as an outcome; without a listener Keyv would print it.
    this.keyv.on('error', () => undefined);
  }

  async getMany(keys: readonly string[]): Promise<StoreRead> {
    return this.inOneEpoch(async (epoch) => {
      const values = await this.keyv.getMany<StoredValue>([...keys]);
      return { kind: 'read', epoch, values: values.map((value) => value ?? undefined) };
    });
  }

  async setMany(entries: readonly StoreEntry[]): Promise<StoreWrite> {
    return this.inOneEpoch(async (epoch) => {
      await this.keyv.setMany([...entries]);
      return { kind: 'written', epoch };
    });
  }

  /** Of a store that no other process uses, so every lock is free: within the process, flights see to it. */
  async claim(claims: readonly Claim[], _owner: string, _ttl: Milliseconds): Promise<Claimed> {
    return this.inOneEpoch(async (epoch) => {
      const found = await this.keyv.getMany<StoredValue>(claims.map(({ tokenKey }) => tokenKey));
      const missing = claims.filter((_claim, index) => typeof found[index] !== 'string');
      await this.keyv.setMany(missing.map(({ tokenKey, nonce }) => ({ key: tokenKey, value: nonce, ttl: TOKEN_TTL })));
      const nonceOf = (claim: Claim, index: number) => (missing.includes(claim) ? claim.nonce : (found[index] ?? claim.nonce));
      return { kind: 'claimed', epoch, results: claims.map((claim, index) => ({ nonce: nonceOf(claim, index), locked: true })) };
    });
  }

  hold(_lockKeys: readonly string[], _owner: string, _ttl: Milliseconds): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.disconnect();
    return Promise.resolve();
  }

  /** Whatever is answered, or thrown, as an outcome of the one epoch in which it was asked. */
  protected async inOneEpoch<T extends StoreRead | StoreWrite | Claimed>(request: (epoch: string) => Promise<T>) {
    const epoch = this.epoch();
    if (epoch === undefined) return unavailable('not connected');
    try {
      const answer = await request(epoch);
      return this.epoch() === epoch ? answer : unavailable('the connection was replaced during the request');
    } catch (error) {
      return unavailable(error instanceof Error ? error.message : String(error));
    }
  }
}

/** A store inside this process, bounded by the size of its serialised values: two bytes a character at most. */
export function createMemoryStore(maxSize: Bytes): KeyvStore {
  const epoch = randomUUID();
  const entries = new LRUCache<string, string>({ maxSize, sizeCalculation: (value, key) => 2 * (value.length + key.length) });
  const backend = {
    get: (key: string) => entries.get(key),
    set: (key: string, value: string) => void entries.set(key, value),
    delete: (key: string) => entries.delete(key),
    clear: () => entries.clear(),
  };
  return new KeyvStore(backend, () => epoch);
}

/** Keyv rejects a whole read for one value that is not JSON; such a value, not ours, is no value. */
function parseLeniently<T>(text: string): T | undefined {
  try {
    return JSON.parse(text) as T;
  } catch {
    return undefined;
  }
}
