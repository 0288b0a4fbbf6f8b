import { LRUCache } from 'lru-cache';
import type { Clock } from '../units.js';
import type { Interest, Topic } from './interest.js';
import type { LiveChange } from './net-changes.js';
import { Watch } from './watch.js';

/** The orders whose last told version is remembered. */
const REMEMBERED_VERSIONS = 50_000;

/** Tells all subscriptions of one process what has changed. */
export class Hub {
  private readonly watches = new Set<Pick<Watch, 'offer' | 'fail'>>();
  private readonly versions = new LRUCache<string, number>({ max: REMEMBERED_VERSIONS });

  constructor(
    private readonly clock: Clock,
    /** Called when the last subscription has ended. */
    private readonly onIdle: () => void,
  ) {}

  get size(): number {
    return this.watches.size;
  }

  /** From now on the watch is told of what `tell` is called with. */
  watch<T extends Topic>(interest: Interest<T>): Watch<T> {
    const watch: Watch<T> = new Watch(interest, () => this.forget(watch));
    this.watches.add(watch);
    return watch;
  }

  /** To be called with the changes of an order in their order; a state older than one that was told is left out. */
  tell(changes: readonly LiveChange[]): void {
    const at = this.clock();
    for (const change of changes) {
      if (this.isOlder(change)) continue;
      for (const watch of this.watches) watch.offer(change, at);
    }
  }

  /** Ends every subscription with `error`. */
  fail(error: unknown): void {
    for (const watch of this.watches) watch.fail(error);
  }

  private isOlder({ id, now }: LiveChange): boolean {
    if (!now) {
      this.versions.delete(id);
      return false;
    }
    if (now.version < (this.versions.get(id) ?? now.version)) return true;
    this.versions.set(id, now.version);
    return false;
  }

  private forget(watch: Pick<Watch, 'offer' | 'fail'>): void {
    if (this.watches.delete(watch) && this.watches.size === 0) this.onIdle();
  }
}
