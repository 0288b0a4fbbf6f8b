import { SECOND, type Milliseconds } from '../../../src/units.js';
import type { FeedCheckOptions } from './options.js';

/** What a check of the feed has seen. */
export class FeedReport {
  changes = 0;
  deletions = 0;
  transactions = 0;
  rollbacks = 0;
  savepointRollbacks = 0;
  bulks = 0;
  heldOpen = 0;
  /** Transactions that were committed after one that had begun to write later. */
  lateTransactions = 0;
  lateChanges = 0;
  kills = 0;
  /** Changes at whose commit every gateway had shown the version before: by the same processes, or by former ones. */
  cachedByAll = 0;
  cachedInStore = 0;
  /** Entries that were asked for just before a single change, and those of them that were valid: nothing else had ended them. */
  entriesProbed = 0;
  entriesValid = 0;
  /** Reads of single orders and of windows that were compared with what was committed. */
  orderReads = 0;
  windowReads = 0;
  /** Changes that were not seen in time, and those never seen. */
  readonly late: string[] = [];
  readonly missed: string[] = [];
  readonly underLoad: Milliseconds[] = [];
  readonly calm: Milliseconds[] = [];
  private readonly began = performance.now();

  constructor(
    private readonly options: FeedCheckOptions,
    private readonly bound: Milliseconds,
  ) {}

  /** Also that every change met cached entries; one that did not would prove nothing. */
  get isPassed(): boolean {
    const cached = this.cachedByAll + this.cachedInStore;
    return this.missed.length === 0 && this.late.length === 0 && cached === this.changes;
  }

  /** The report for a person. */
  lines(): string[] {
    const { options, bound, changes } = this;
    const share = (part: number): string => `${part} (${((100 * part) / Math.max(1, changes)).toFixed(2)} %)`;
    return [
      `seed ${options.seed}, feed ${options.feed}, ${((performance.now() - this.began) / SECOND).toFixed(0)} s`,
      `changes committed: ${changes}, of ${options.orders} orders (${this.deletions} deletions)`,
      `transactions committed: ${this.transactions} (${this.bulks} bulk statements, ${this.heldOpen} held open for seconds, ` +
        `${this.savepointRollbacks} partly rolled back), rolled back: ${this.rollbacks}`,
      `late commits: ${this.lateTransactions} transactions with ${this.lateChanges} changes, committed after one that began to write later`,
      `leaders killed: ${this.kills}`,
      `changes that hit a cached entry: in the memory of all gateways ${share(this.cachedByAll)}, ` +
        `only in the store for a gateway that was restarted ${share(this.cachedInStore)}`,
      `entries valid when asked for just before a single change: ${this.entriesValid} of ${this.entriesProbed}`,
      `reads compared: ${this.orderReads} orders, ${this.windowReads} windows`,
      `not visible within ${bound / SECOND} s: ${this.late.length}`,
      `missed: ${this.missed.length}`,
      `from commit to visible on all gateways, until the reads have shown it: calm ${describe(this.calm)}; under load ${describe(this.underLoad)}`,
      ...this.late.slice(0, 5),
      ...this.missed.slice(0, 5),
    ];
  }
}

function describe(times: readonly Milliseconds[]): string {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number): string =>
    (sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN).toFixed(1);
  return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, slowest ${at(1)} ms of ${sorted.length}`;
}
