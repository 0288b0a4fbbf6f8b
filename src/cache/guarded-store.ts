import type { Time } from '../time.js';
import type { EpochMilliseconds, Milliseconds } from '../units.js';
import { unavailable, type Claim, type Claimed, type Store, type StoreEntry, type StoreRead, type StoreWrite } from './store.js';

/** Circuit breaker: `closed` lets every request pass, `open` none, `half-open` one that tries. */
type Phase =
  { readonly name: 'closed' } | { readonly name: 'open'; readonly until: EpochMilliseconds } | { readonly name: 'half-open' };

export interface GuardOptions {
  /** How long a request may take before it counts as unavailable. */
  readonly deadline: Milliseconds;
  /** How long the breaker stays open after a failure. */
  readonly pause: Milliseconds;
  readonly time: Time;
  readonly onPhase?: (phase: Phase['name'], reason: string) => void;
}

/**
 * Bounds what a frozen or dead store costs: the first request that meets it loses at most `deadline`, then requests are
 * `unavailable` at once, and one in each `pause` tries again.
 */
export class GuardedStore implements Store {
  private phase: Phase = { name: 'closed' };

  constructor(
    private readonly inner: Store,
    private readonly options: GuardOptions,
  ) {}

  get available(): boolean {
    return this.phase.name === 'closed';
  }

  getMany(keys: readonly string[]): Promise<StoreRead> {
    return this.guarded(() => this.inner.getMany(keys));
  }

  setMany(entries: readonly StoreEntry[]): Promise<StoreWrite> {
    return this.guarded(() => this.inner.setMany(entries));
  }

  /** As `setMany`, but also while the breaker is open: for writes that others rely on. */
  insist(entries: readonly StoreEntry[]): Promise<StoreWrite> {
    return this.attempt(() => this.inner.setMany(entries));
  }

  claim(claims: readonly Claim[], owner: string, ttl: Milliseconds): Promise<Claimed> {
    return this.guarded(() => this.inner.claim(claims, owner, ttl));
  }

  /** Nobody waits for it: what is not kept expires. */
  async hold(lockKeys: readonly string[], owner: string, ttl: Milliseconds): Promise<void> {
    if (this.available) await this.inner.hold(lockKeys, owner, ttl);
  }

  close(): Promise<void> {
    return this.inner.close();
  }

  private guarded<T extends StoreRead | StoreWrite | Claimed>(request: () => Promise<T>) {
    if (this.phase.name === 'half-open') return Promise.resolve(unavailable('another request is trying the store'));
    if (this.phase.name === 'open') {
      if (this.options.time.now() < this.phase.until) return Promise.resolve(unavailable('the breaker is open'));
      this.enter({ name: 'half-open' }, 'trying again');
    }
    return this.attempt(request);
  }

  private async attempt<T extends StoreRead | StoreWrite | Claimed>(request: () => Promise<T>) {
    const answer = await withDeadline(request(), this.options);
    if (answer.kind === 'unavailable') {
      this.enter({ name: 'open', until: this.options.time.now() + this.options.pause }, answer.reason);
    } else if (this.phase.name !== 'closed') {
      this.enter({ name: 'closed' }, 'the store answered');
    }
    return answer;
  }

  private enter(phase: Phase, reason: string): void {
    const changed = phase.name !== this.phase.name;
    this.phase = phase;
    if (changed) this.options.onPhase?.(phase.name, reason);
  }
}

/** Into so many parts a deadline is cut. */
const SLICES = 5;

/**
 * Gives up when `deadline` has passed, counted in slices: a slice in which this process itself was too busy to look counts
 * once, however long it took. The store is not to blame for that, and its answer may not even have been asked for yet.
 */
function withDeadline<T>(request: Promise<T>, { deadline, time }: GuardOptions) {
  return new Promise<T | ReturnType<typeof unavailable>>((resolve) => {
    let cancel = (): void => undefined;
    const wait = (slices: number): void => {
      cancel = time.after(deadline / SLICES, () => {
        if (slices > 1) wait(slices - 1);
        // The answer may lie in the socket already: sockets are read first.
        else setImmediate(() => resolve(unavailable(`no answer within ${deadline} ms`)));
      });
    };
    wait(SLICES);
    const settle = (answer: T | ReturnType<typeof unavailable>) => {
      cancel();
      resolve(answer);
    };
    request.then(settle, (error: unknown) => settle(unavailable(String(error))));
  });
}
