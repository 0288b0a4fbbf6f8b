import { LRUCache } from 'lru-cache';
import type { Time } from '../time.js';
import type { Milliseconds } from '../units.js';
import { newNonce, TOKEN_TTL } from './entry.js';
import type { Trace } from './outcome.js';
import type { StoreEntry, StoreWrite } from './store.js';

const RETRY_MIN: Milliseconds = 100;
const RETRY_MAX: Milliseconds = 2_000;
/** Token writes in one request to the store. */
const CHUNK = 1_000;
const RECENT_MAX = 10_000;

/** A write that is tried even while the store seems down. */
export type InsistentWrite = (entries: readonly StoreEntry[]) => Promise<StoreWrite>;

/** A new, never used token under each key. */
export function freshTokens(tokenKeys: readonly string[]): StoreEntry[] {
  return tokenKeys.map((key) => ({ key, value: newNonce(), ttl: TOKEN_TTL }));
}

/**
 * Invalidation: a new token under a key makes every entry of that key worthless, whoever holds it.
 *
 * A renewal that the store did not acknowledge stays pending and is retried until it is; until then this process does not
 * use the cache for that key (`isPending`).
 */
export class Renewals {
  /** Key → number of the renewal that asked for it last; a retry settles only what it was sent for. */
  private readonly pending = new Map<string, number>();
  /** Key → number of its last renewal, for the keys that were renewed last. */
  private readonly recent = new LRUCache<string, number>({ max: RECENT_MAX });
  private count = 0;
  private cancelRetry: (() => void) | undefined;

  constructor(
    private readonly write: InsistentWrite,
    private readonly time: Time,
  ) {}

  /**
   * Renews the tokens of `tokenKeys`. Call it after the change was committed and before it is acknowledged.
   * `pending`: the store did not answer; the renewal goes on in the background.
   */
  async renew(tokenKeys: readonly string[], trace?: Trace): Promise<'renewed' | 'pending'> {
    const number = ++this.count;
    for (const key of tokenKeys) this.recent.set(key, number);
    const written = await this.writeAll(tokenKeys, trace);
    if (written) {
      this.settle(tokenKeys, number);
      return 'renewed';
    }
    for (const key of tokenKeys) this.pending.set(key, number);
    this.retryAfter(RETRY_MIN);
    return 'pending';
  }

  /** A number that grows with every renewal of this process. */
  get latest(): number {
    return this.count;
  }

  /** Whether this process has renewed the token of `tokenKey` after `latest` was `number`. Errs on the side of yes. */
  renewedSince(tokenKey: string, number: number): boolean {
    const evicted = this.recent.size === RECENT_MAX;
    return (this.recent.get(tokenKey) ?? (evicted ? this.count : 0)) > number;
  }

  isPending(tokenKey: string): boolean {
    return this.pending.has(tokenKey);
  }

  get pendingCount(): number {
    return this.pending.size;
  }

  /** Tries once more what is pending, and stops. */
  async close(): Promise<void> {
    this.cancelRetry?.();
    if (this.pending.size > 0) await this.writeAll([...this.pending.keys()]);
  }

  private async writeAll(tokenKeys: readonly string[], trace?: Trace): Promise<boolean> {
    for (let from = 0; from < tokenKeys.length; from += CHUNK) {
      trace?.storeRoundTrip();
      const answer = await this.write(freshTokens(tokenKeys.slice(from, from + CHUNK)));
      if (answer.kind === 'unavailable') return false;
    }
    return true;
  }

  private settle(tokenKeys: readonly string[], upTo: number): void {
    for (const key of tokenKeys) {
      if ((this.pending.get(key) ?? Infinity) <= upTo) this.pending.delete(key);
    }
  }

  private retryAfter(delay: Milliseconds): void {
    this.cancelRetry ??= this.time.after(delay, () => {
      this.cancelRetry = undefined;
      void this.retry(delay);
    });
  }

  private async retry(delay: Milliseconds): Promise<void> {
    const upTo = this.count;
    const keys = [...this.pending.keys()];
    if (await this.writeAll(keys)) this.settle(keys, upTo);
    if (this.pending.size > 0) this.retryAfter(Math.min(delay * 2, RETRY_MAX));
  }
}
