import { LRUCache } from 'lru-cache';
import type { Bytes } from '../units.js';
import type { Entry } from './entry.js';

/** The size of a decoded entry beside its value: key, token, times and the map's own node. */
const OVERHEAD: Bytes = 400;

/**
 * Decoded entries of this process, least recently used first out, bounded in bytes. It is never trusted by itself: an
 * entry is used only after its token was found current in the store.
 */
export class MemoryTier {
  private readonly entries: LRUCache<string, Entry<unknown>>;

  constructor(maxSize: Bytes) {
    this.entries = new LRUCache({ maxSize });
  }

  /** The caller knows the type of what it put under `key`. */
  get(key: string): Entry<unknown> | undefined {
    return this.entries.get(key);
  }

  put(key: string, entry: Entry<unknown>, size: Bytes): void {
    this.entries.set(key, entry, { size: OVERHEAD + size });
  }

  get size(): Bytes {
    return this.entries.calculatedSize;
  }
}
