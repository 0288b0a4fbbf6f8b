import { LRUCache } from 'lru-cache';
import type { Bytes } from '../units.js';
import type { Entry } from './entry.js';

/** The size of a decoded entry beside its value: key, token, times and the map's own node. */
const OVERHEAD: Bytes = 400;

/** An entry, and how many renewals this process had made when what it holds was asked for. */
export interface Remembered {
  readonly entry: Entry<unknown>;
  readonly mark: number;
}

/**
 * Decoded entries of this process by token key, least recently used first out, bounded in bytes. It is never trusted by
 * itself: an entry is used only after its token was found current in the store, or to stand in while nothing answers.
 */
export class MemoryTier {
  private readonly entries: LRUCache<string, Remembered>;

  constructor(maxSize: Bytes) {
    this.entries = new LRUCache({ maxSize });
  }

  /** The caller knows the type of what it put under `key`. */
  get(key: string): Entry<unknown> | undefined {
    return this.recall(key)?.entry;
  }

  recall(key: string): Remembered | undefined {
    return this.entries.get(key);
  }

  put(key: string, remembered: Remembered, size: Bytes): void {
    this.entries.set(key, remembered, { size: OVERHEAD + size });
  }

  get size(): Bytes {
    return this.entries.calculatedSize;
  }
}
