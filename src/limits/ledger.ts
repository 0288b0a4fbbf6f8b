import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Time } from '../time.js';
import { SECOND, type EpochMilliseconds, type Milliseconds } from '../units.js';
import { judge, priceOf, type Quota, type Verdict } from './gcra.js';

/** The accounts that all instances share. */
export interface SharedAccounts {
  /**
   * Adds `price` to what the account owes, atomically. Rejects if it is not known whether that was done.
   * @returns what it owes then, with what other instances have added: how long until it is whole again
   */
  debit(key: string, price: Milliseconds): Promise<Milliseconds>;
}

interface Account {
  /** Its key in the shared store. */
  readonly key: string;
  wholeAt: EpochMilliseconds;
  /** What was debited here and not handed to the shared account yet. */
  unsent: Milliseconds;
}

/** The most accounts that one process remembers; which were not used for longest are forgotten first. */
const ACCOUNTS_MAX = 100_000;
const SYNC_EACH: Milliseconds = 50;
const RETRY_AFTER: Milliseconds = SECOND;
const PREFIX = 'rate:';

/**
 * Who has spent how much. Decides at once by what this process knows: nobody ever waits for the shared store.
 *
 * Invariant: every debit is added to the shared account, by one batch at a time, and what the shared account owes is taken
 * over with the debits that were made here meanwhile. So in the long run all instances together let through what the
 * quota allows; for the time of a batch each of them decides by what it knew before. What was let through too much is
 * owed, and waited for. While the store is away, each process decides for itself; what has come back meanwhile is not
 * handed over any more.
 */
export class Ledger {
  private readonly accounts = new LRUCache<string, Account>({ max: ACCOUNTS_MAX });
  private readonly spent = new Set<Account>();
  private cancelSync: (() => void) | undefined;
  private isSyncing = false;

  constructor(
    private readonly time: Time,
    private readonly shared?: SharedAccounts,
  ) {}

  /** Whether `cost` may be spent; nothing is. */
  look(name: string, cost: number, quota: Quota): Verdict {
    return judge(this.accounts.get(name)?.wholeAt ?? 0, cost, quota, this.time.now());
  }

  /** Spends `cost`, if it may be spent. The verdict counts it. */
  spend(name: string, cost: number, quota: Quota): Verdict {
    const verdict = this.look(name, cost, quota);
    if (!verdict.permitted) return verdict;
    this.charge(name, cost, quota);
    return { ...this.look(name, 0, quota), permitted: true, retryIn: 0 };
  }

  /** Spends what was used already, also what was not there. */
  charge(name: string, cost: number, quota: Quota): void {
    const now = this.time.now();
    const account = this.accounts.get(name) ?? this.open(name);
    const price = priceOf(cost, quota);
    account.wholeAt = Math.max(now, account.wholeAt) + price;
    if (!this.shared) return;
    account.unsent += price;
    this.spent.add(account);
    this.syncLater(SYNC_EACH);
  }

  close(): void {
    this.cancelSync?.();
    this.isSyncing = true;
  }

  /** Names may be long, and of people: the store gets a digest. */
  private open(name: string): Account {
    const digest = createHash('sha256').update(name).digest('base64url').slice(0, 22);
    const account = { key: PREFIX + digest, wholeAt: 0, unsent: 0 };
    this.accounts.set(name, account);
    return account;
  }

  private syncLater(delay: Milliseconds): void {
    if (this.isSyncing) return;
    this.cancelSync ??= this.time.after(delay, () => {
      this.cancelSync = undefined;
      void this.sync();
    });
  }

  private async sync(): Promise<void> {
    const { shared } = this;
    if (!shared) return;
    this.isSyncing = true;
    const batch = [...this.spent];
    this.spent.clear();
    const results = await Promise.all(batch.map((account) => this.handOver(account, shared)));
    this.isSyncing = false;
    if (this.spent.size > 0) this.syncLater(results.every((ok) => ok) ? SYNC_EACH : RETRY_AFTER);
  }

  private async handOver(account: Account, shared: SharedAccounts): Promise<boolean> {
    const sent = Math.min(account.unsent, account.wholeAt - this.time.now());
    account.unsent = 0;
    if (sent <= 0) return true;
    try {
      const owed = await shared.debit(account.key, sent);
      account.wholeAt = this.time.now() + owed + account.unsent;
      return true;
    } catch {
      account.unsent += sent;
      this.spent.add(account);
      return false;
    }
  }
}
