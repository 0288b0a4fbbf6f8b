import type { CacheParts } from '../../src/cache/filler.js';
import { JoinedReader } from '../../src/cache/joined-reader.js';
import { MemoryTier } from '../../src/cache/memory-tier.js';
import { Renewals } from '../../src/cache/renewals.js';
import { Reuse } from '../../src/cache/reuse.js';
import type { Store } from '../../src/cache/store.js';
import type { Time } from '../../src/time.js';
import { MIB, MINUTE, SECOND, type Milliseconds } from '../../src/units.js';

export interface PartsOptions {
  readonly random?: () => number;
  readonly fillLock?: Milliseconds;
}

/** What the caches of one process share, on `store`. */
export function cacheParts(
  store: Store,
  time: Time,
  { random = () => 0, fillLock = SECOND }: PartsOptions = {},
): CacheParts & { renewals: Renewals } {
  const renewals = new Renewals((entries) => store.setMany(entries), time);
  return {
    reader: new JoinedReader(store),
    store,
    memory: new MemoryTier(MIB),
    renewals,
    reuse: new Reuse(renewals, time),
    fillLock,
    staleFor: MINUTE,
    time,
    random,
  };
}

/** `inner`, with some of its methods replaced. */
export function storeWith(inner: Store, changes: Partial<Store>): Store {
  return {
    getMany: (keys) => inner.getMany(keys),
    setMany: (entries) => inner.setMany(entries),
    claim: (claims, owner, ttl) => inner.claim(claims, owner, ttl),
    hold: (lockKeys, owner, ttl) => inner.hold(lockKeys, owner, ttl),
    close: () => inner.close(),
    ...changes,
  };
}
