import { KeyvStore } from '../../src/cache/keyv-store.js';
import type { Claim, Claimed, Store } from '../../src/cache/store.js';

/** The lock time of processes on this server: short, so that a lock whose holder is lost costs others few looks. */
export const FILL_LOCK = 45;

/** Keeps strings and fill locks like Redis, for several processes; restarts from an old snapshot when a test says so. */
export class LockingServer {
  private data = new Map<string, string>();
  private snapshot = new Map<string, string>();
  private epoch = 0;

  /** @param renewsEpoch whether a restart can be told from the outside, as by the `run_id` of Redis */
  constructor(private readonly renewsEpoch = true) {}

  store(): Store {
    return new LockingStore(this);
  }

  get(key: string): string | undefined {
    return this.data.get(key);
  }

  set(key: string, value: string): void {
    this.data.set(key, value);
  }

  /** For an evicted token, and for a lock that expired because its holder stalled. */
  delete(key: string): boolean {
    return this.data.delete(key);
  }

  clear(): void {
    this.data.clear();
  }

  /** Back to what was there at the restart before. */
  restart(): void {
    [this.data, this.snapshot] = [new Map(this.snapshot), new Map(this.data)];
    if (this.renewsEpoch) this.epoch += 1;
  }

  get life(): string {
    return `epoch ${this.epoch}`;
  }
}

class LockingStore extends KeyvStore {
  constructor(private readonly server: LockingServer) {
    super(server, () => server.life);
  }

  override claim(claims: readonly Claim[], owner: string): Promise<Claimed> {
    const results = claims.map(({ tokenKey, lockKey, nonce }) => {
      const found = valueOf(this.server.get(tokenKey));
      const current = found ?? nonce;
      if (found === undefined) this.server.set(tokenKey, JSON.stringify({ value: nonce }));
      const locked = valueOf(this.server.get(lockKey))?.split('|')[1] !== current;
      if (locked) this.server.set(lockKey, JSON.stringify({ value: `${owner}|${current}` }));
      return { nonce: current, locked };
    });
    return Promise.resolve({ kind: 'claimed', epoch: this.server.life, results });
  }

  override hold(lockKeys: readonly string[], owner: string, ttl: number): Promise<void> {
    for (const lockKey of lockKeys) {
      // The grace of a finished fill is over at once here: time stands still in these tests.
      if (ttl !== FILL_LOCK && valueOf(this.server.get(lockKey))?.startsWith(`${owner}|`)) this.server.delete(lockKey);
    }
    return Promise.resolve();
  }
}

function valueOf(stored: string | undefined): string | undefined {
  const value = stored === undefined ? undefined : (JSON.parse(stored) as { value: unknown }).value;
  return typeof value === 'string' ? value : undefined;
}
