import type { CachedEntity } from './entity.js';
import type { LoadGate } from './load-gate.js';

/** `entity`, loaded through `gate`: each load waits for its turn on behalf of whoever began it. */
export function gated<K, V>(gate: LoadGate, entity: CachedEntity<K, V>): CachedEntity<K, V> {
  return {
    ...entity,
    load: (keys, trace, former, signal) => gate.run(() => entity.load(keys, trace, former, signal), trace.party, signal),
  };
}
