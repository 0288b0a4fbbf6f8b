import fc from 'fast-check';
import { judge, priceOf, type Quota } from '../src/limits/gcra.js';
import { Ledger, type SharedAccounts } from '../src/limits/ledger.js';
import { MINUTE, SECOND, type EpochMilliseconds, type Milliseconds } from '../src/units.js';
import { FakeTime } from './support/fake-time.js';

const QUOTA: Quota = { quota: 60, window: MINUTE };

/** Accounts as a store has them, by the time of the test; `isAway`: every request fails; `held`: none is answered yet. */
class FakeAccounts implements SharedAccounts {
  readonly wholeAt = new Map<string, EpochMilliseconds>();
  readonly held: (() => void)[] = [];
  isAway = false;
  isFrozen = false;
  requests = 0;

  constructor(private readonly time: FakeTime) {}

  async debit(key: string, price: Milliseconds): Promise<Milliseconds> {
    this.requests += 1;
    if (this.isFrozen) await new Promise<void>((resolve) => this.held.push(resolve));
    if (this.isAway) throw new Error('away');
    const wholeAt = Math.max(this.time.now(), this.wholeAt.get(key) ?? 0) + price;
    this.wholeAt.set(key, wholeAt);
    return wholeAt - this.time.now();
  }
}

const settled = () => new Promise(setImmediate);

describe('the quota of one account', () => {
  test('may be spent at once, and comes back evenly', () => {
    const time = new FakeTime();
    const ledger = new Ledger(time);
    expect(ledger.spend('a', 60, QUOTA)).toEqual({ permitted: true, remaining: 0, wholeIn: MINUTE, retryIn: 0 });
    expect(ledger.spend('a', 1, QUOTA)).toEqual({ permitted: false, remaining: 0, wholeIn: MINUTE, retryIn: SECOND });
    expect(ledger.spend('b', 1, QUOTA).permitted).toBe(true);
    time.advance(10 * SECOND);
    expect(ledger.look('a', 10, QUOTA)).toMatchObject({ permitted: true, remaining: 10 });
    expect(ledger.look('a', 11, QUOTA)).toMatchObject({ permitted: false, retryIn: SECOND });
    expect(ledger.spend('a', 10, QUOTA).permitted).toBe(true);
    time.advance(MINUTE);
    expect(ledger.look('a', 60, QUOTA)).toMatchObject({ permitted: true, remaining: 60, wholeIn: 0 });
  });

  test('what costs more than all of it is permitted to a whole account, and then waited for', () => {
    const time = new FakeTime();
    const ledger = new Ledger(time);
    expect(ledger.spend('a', 180, QUOTA).permitted).toBe(true);
    time.advance(2 * MINUTE);
    expect(ledger.look('a', 1, QUOTA)).toMatchObject({ permitted: false, retryIn: SECOND });
    time.advance(MINUTE);
    expect(ledger.look('a', 180, QUOTA).permitted).toBe(true);
  });

  test('in no time is more permitted than the quota and what comes back meanwhile', () => {
    const act = fc.record({ wait: fc.integer({ min: 0, max: 90 * SECOND }), cost: fc.integer({ min: 1, max: 60 }) });
    fc.assert(
      fc.property(fc.array(act, { maxLength: 60 }), fc.integer({ min: 60, max: 5_000 }), (acts, quota) => {
        const time = new FakeTime();
        const ledger = new Ledger(time);
        const spent: { at: number; cost: number }[] = [];
        for (const { wait, cost } of acts) {
          time.advance(wait);
          if (ledger.spend('a', cost, { quota, window: MINUTE }).permitted) spent.push({ at: time.now(), cost });
        }
        spent.forEach((first, from) => {
          let total = 0;
          for (const { at, cost } of spent.slice(from)) {
            total += cost;
            expect(total).toBeLessThanOrEqual(quota + ((at - first.at) / MINUTE) * quota + 1e-6);
          }
        });
      }),
    );
  });

  test('a retry after what a refusal says is permitted', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 3 * MINUTE }), fc.integer({ min: 1, max: 200 }), (owed, cost) => {
        const { permitted, retryIn } = judge(owed, cost, QUOTA, 0);
        expect(judge(owed, cost, QUOTA, retryIn).permitted).toBe(true);
        if (!permitted) expect(retryIn).toBeGreaterThan(0);
      }),
    );
  });
});

describe('instances that share accounts', () => {
  function instances(count: number) {
    const time = new FakeTime();
    const shared = new FakeAccounts(time);
    return { time, shared, ledgers: Array.from({ length: count }, () => new Ledger(time, shared)) };
  }

  test('one learns what the other has spent', async () => {
    const { time, ledgers } = instances(2);
    const [one, other] = ledgers as [Ledger, Ledger];
    one.spend('a', 30, QUOTA);
    other.spend('a', 10, QUOTA);
    time.advance(50);
    await settled();
    one.spend('a', 1, QUOTA);
    time.advance(50);
    await settled();
    expect(one.look('a', 0, QUOTA).remaining).toBe(19);
    expect(other.look('a', 20, QUOTA).permitted).toBe(true);
    expect(other.look('a', 21, QUOTA).permitted).toBe(false);
  });

  test('together they let through what the quota allows, and each its first burst', async () => {
    const { time, ledgers } = instances(3);
    let permitted = 0;
    const minutes = 5;
    for (let tick = 0; tick < minutes * 600; tick += 1) {
      for (const ledger of ledgers) if (ledger.spend('a', 1, QUOTA).permitted) permitted += 1;
      time.advance(100);
      await settled();
    }
    expect(permitted).toBeLessThanOrEqual(60 * (minutes + 3));
    expect(permitted).toBeGreaterThan(60 * (minutes - 1));
  });

  test('the store is asked once for many debits, and not at all for none', async () => {
    const { time, shared, ledgers } = instances(1);
    for (let index = 0; index < 1_000; index += 1) ledgers[0]!.charge('a', 1, QUOTA);
    time.advance(MINUTE);
    await settled();
    expect(shared.requests).toBe(1);
    expect(time.pending).toBe(0);
  });

  test('while the store is away each decides for itself; later all know what is still owed', async () => {
    const { time, shared, ledgers } = instances(2);
    const [one, other] = ledgers as [Ledger, Ledger];
    shared.isAway = true;
    expect([one, other].map((ledger) => ledger.spend('a', 60, QUOTA).permitted)).toEqual([true, true]);
    expect([one, other].map((ledger) => ledger.spend('a', 1, QUOTA).permitted)).toEqual([false, false]);
    time.advance(30 * SECOND);
    await settled();
    shared.isAway = false;
    time.advance(SECOND);
    await settled();
    // Each owes 29 s or so of its own: what has come back meanwhile is not handed over.
    const owed = shared.wholeAt.values().next().value! - time.now();
    expect(owed).toBeGreaterThan(55 * SECOND);
    expect(owed).toBeLessThanOrEqual(60 * SECOND);
  });

  test('a frozen store is asked once, and nobody waits for it', async () => {
    const { time, shared, ledgers } = instances(1);
    shared.isFrozen = true;
    let permitted = 0;
    for (let second = 0; second < 60; second += 1) {
      for (let index = 0; index < 5; index += 1) if (ledgers[0]!.spend('a', 1, QUOTA).permitted) permitted += 1;
      time.advance(SECOND);
      await settled();
    }
    expect(permitted).toBe(119);
    expect(shared.requests).toBe(1);
    shared.isFrozen = false;
    shared.held.forEach((answer) => answer());
    await settled();
    time.advance(50);
    await settled();
    expect(shared.requests).toBe(2);
  });

  test('a name never stands in the store, and equal names are one account', async () => {
    const { time, shared, ledgers } = instances(2);
    for (const ledger of ledgers) ledger.charge('operator|jo@example.com', 1, QUOTA);
    time.advance(50);
    await settled();
    const keys = [...shared.wholeAt.keys()];
    expect(keys).toEqual([expect.stringMatching(/^rate:[\w-]{22}$/)]);
    expect(priceOf(1, QUOTA)).toBe(SECOND);
  });
});
