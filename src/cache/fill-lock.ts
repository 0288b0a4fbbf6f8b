import type { Time } from '../time.js';
import type { Milliseconds } from '../units.js';
import { nonceOf, type Token } from './entry.js';
import type { Store, StoredValue } from './store.js';

export interface LockParts {
  readonly store: Pick<Store, 'hold'>;
  readonly time: Time;
  /** How long a process that died or stalled while it filled keeps others waiting. */
  readonly fillLock: Milliseconds;
}

/** Extended every third of its time, so that one lost request does not end it. */
const BEATS = 3;

/** In the same slot of a Redis Cluster as the token: the token key is the hash tag, unless it has one itself. */
export function lockKeyOf(tokenKey: string): string {
  return tokenKey.includes('{') ? `${tokenKey}:lock` : `{${tokenKey}}:lock`;
}

/** Whether a lock's stored value, `owner|nonce`, is for the token that is current now. */
export function isLockFor(token: Token | undefined, lock: StoredValue | undefined): boolean {
  return token !== undefined && typeof lock === 'string' && lock.split('|')[1] === nonceOf(token);
}

/**
 * Extends locks that `owner` has got, so that a slow load keeps them while its process lives.
 * @returns ends that, and leaves the locks for as long as it is told; 0 lets go of them
 */
export function holdLocks(
  lockKeys: readonly string[],
  owner: string,
  { store, time, fillLock }: LockParts,
): (ttl: Milliseconds) => void {
  if (lockKeys.length === 0) return () => undefined;
  let cancel = (): void => undefined;
  const extendLater = (): void => {
    cancel = time.after(fillLock / BEATS, () => {
      void store.hold(lockKeys, owner, fillLock);
      extendLater();
    });
  };
  extendLater();
  return (ttl) => {
    cancel();
    void store.hold(lockKeys, owner, ttl);
  };
}
