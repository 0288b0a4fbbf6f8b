import { LRUCache } from 'lru-cache';
import type { Time } from '../time.js';
import { MIB, SECOND, type Bytes, type Milliseconds } from '../units.js';
import type { Answer } from './entity.js';
import type { Slot } from './lookup.js';
import type { Renewals } from './renewals.js';

/** How long a load is used again while the store is away: the stated bound of staleness of that time. */
export const REUSE: Milliseconds = SECOND;
/** Of an answer beside its value. */
const OVERHEAD: Bytes = 400;
const MAX_SIZE: Bytes = 16 * MIB;

interface Kept {
  readonly answer: Answer<unknown>;
  readonly renewals: number;
}

/**
 * Loads of the last second, used only while the store does not answer: without tokens nothing can be known of other
 * processes, and the source must not get every request. A change through this process ends the reuse of what it touches.
 */
export class Reuse {
  private readonly kept = new LRUCache<string, Kept>({ maxSize: MAX_SIZE });

  constructor(
    private readonly renewals: Pick<Renewals, 'renewedSince'>,
    private readonly time: Time,
  ) {}

  /** @param mark how many renewals this process had made before the source was asked */
  put<V>(slot: Slot<unknown, V>, answer: Answer<V>, size: Bytes, mark: number): void {
    if (slot.trust === 'unavailable') this.kept.set(slot.tokenKey, { answer, renewals: mark }, { size: OVERHEAD + size });
  }

  get<V>(slot: Slot<unknown, V>): Answer<V> | undefined {
    const kept = slot.trust === 'unavailable' ? this.kept.get(slot.tokenKey) : undefined;
    const age = kept ? this.time.now() - kept.answer.loadedAt : Infinity;
    // A clock that was set back makes an age that says nothing.
    if (!kept || age > REUSE || age < 0) return undefined;
    if (this.renewals.renewedSince(slot.tokenKey, kept.renewals)) return undefined;
    return { ...(kept.answer as Answer<V>), outcome: 'reused' };
  }
}
