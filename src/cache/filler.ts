import { MIB, type Bytes, type EpochMilliseconds, type Milliseconds } from '../units.js';
import { ENTRY_FORMAT, newNonce, tokenOf, type Entry } from './entry.js';
import type { Answer, CachedEntity } from './entity.js';
import { holdLocks, isLockFor, lockKeyOf, type LockParts } from './fill-lock.js';
import type { Flight, Flights } from './flights.js';
import { answerOf, type Lookup, type LookupParts, type Slot } from './lookup.js';
import type { Trace } from './outcome.js';
import type { Reuse } from './reuse.js';
import { SharedLoad } from './shared-load.js';
import type { Store, StoreEntry } from './store.js';

/** What all entities of a process share. */
export interface CacheParts extends LookupParts, LockParts {
  readonly store: Pick<Store, 'setMany' | 'claim' | 'hold'>;
  readonly reuse: Reuse;
  /** 0 ≤ random() < 1, for the jitter of TTLs. */
  readonly random: () => number;
}

/** A slot that this process has to fill, and the flight by which its readers wait for that. */
export interface Fill<K, V> {
  readonly slot: Slot<K, V>;
  readonly flight: Flight<Answer<V>>;
}

/** What was known when the source was asked; `mark`: how many renewals this process had made. */
interface Before {
  readonly loadedAt: EpochMilliseconds;
  readonly mark: number;
}

/** TTLs are shortened by up to this share, so that what was filled together does not expire together. */
const JITTER = 0.1;
/** The largest value that the store gets, decoded. */
const STORED_MAX: Bytes = 8 * MIB;
/** How often a process looks whether another one has filled what it waits for. */
const POLL: Milliseconds = 15;
/** So often a fill is claimed again that others did not finish; then everyone loads for itself. */
const PATIENCE = 10;
/** How long a lock outlives its fill: for those who looked before the entry was there, and claim it afterwards. */
const GRACE: Milliseconds = 200;

/** Nobody waits for what is to be loaded any more. Nobody sees it. */
class AbandonedError extends Error {
  override readonly name = 'AbandonedError';
}

/**
 * Fills what was missed: once for all processes as long as the store answers, else once for this one.
 *
 * Every fill claims its keys first. Whoever gets the lock loads; the others look for the entry until it is there, or the
 * lock is gone. A holder extends its lock while its load goes on, so a slow database does not make others load as well.
 *
 * A load that nobody waits for any more is abandoned: its flights are taken out in the same tick as its last reader leaves, so
 * that nobody joins them, its lock is let go of, and whatever the source still answers is dropped.
 */
export class Filler<K, V> {
  private readonly writes = new Set<Promise<unknown>>();

  constructor(
    private readonly entity: CachedEntity<K, V>,
    private readonly parts: CacheParts,
    private readonly lookup: Lookup<K, V>,
    private readonly flights: Flights<Answer<V>>,
  ) {}

  /** Lands or crashes every flight of `fills`; never throws. */
  async fill(fills: readonly Fill<K, V>[], trace: Trace, rounds = PATIENCE): Promise<void> {
    try {
      const owner = newNonce();
      const { mine, others } = await this.claim(fills, owner, trace, rounds > 0);
      await Promise.all([this.loadAll(mine, owner, trace), this.awaitOthers(others, trace, rounds)]);
    } catch (error) {
      for (const { flight } of fills) this.crash(flight, error);
    }
  }

  /** Waits for writes to the store that are still under way. */
  async flush(): Promise<void> {
    await Promise.all(this.writes);
  }

  /** A key without a token gets one, before the source is asked. Where the store does not answer, a load is not kept. */
  private async claim(fills: readonly Fill<K, V>[], owner: string, trace: Trace, waits: boolean) {
    const claimable = fills.filter(({ slot }) => slot.trust === 'trusted');
    const mine = fills.filter(({ slot }) => slot.trust !== 'trusted');
    const others: Fill<K, V>[] = [];
    if (claimable.length === 0) return { mine, others };
    trace.storeRoundTrip();
    const claims = claimable.map(({ slot }) => ({
      tokenKey: slot.tokenKey,
      lockKey: lockKeyOf(slot.tokenKey),
      nonce: newNonce(),
    }));
    const answer = await this.parts.store.claim(claims, owner, this.parts.fillLock);
    claimable.forEach((fill, index) => {
      if (answer.kind === 'unavailable') fill.slot.trust = 'unavailable';
      const result = answer.kind === 'claimed' ? answer.results[index] : undefined;
      fill.slot.token = answer.kind === 'claimed' ? tokenOf(answer.epoch, result?.nonce) : undefined;
      fill.flight.token = fill.slot.token;
      (waits && result?.locked === false ? others : mine).push(fill);
    });
    return { mine, others };
  }

  private async loadAll(fills: readonly Fill<K, V>[], owner: string, trace: Trace): Promise<void> {
    if (fills.length === 0) return;
    const readers = fills.reduce((sum, { flight }) => sum + flight.waiting, 0);
    const load = new SharedLoad(readers, () => {
      for (const { flight } of fills) this.flights.end(flight);
    });
    const locks = fills.filter(({ slot }) => slot.token !== undefined).map(({ slot }) => lockKeyOf(slot.tokenKey));
    const letGo = holdLocks(locks, owner, this.parts);
    try {
      if (readers === 0) throw new AbandonedError();
      for (const { flight } of fills) flight.loadBy(load);
      const asked = this.flights.now();
      for (const { flight } of fills) flight.asked = asked;
      const before = { loadedAt: this.parts.time.now(), mark: this.parts.renewals.latest };
      const values = await this.load(fills, trace, load.signal);
      if (load.signal.aborted) throw new AbandonedError();
      for (const { flight } of fills) flight.loadBy(undefined);
      void this.keep(fills, values, before, trace).then(() => letGo(GRACE));
    } catch (error) {
      letGo(0);
      for (const { flight } of fills) this.crash(flight, error);
    }
  }

  private async load(fills: readonly Fill<K, V>[], trace: Trace, signal: AbortSignal): Promise<readonly V[]> {
    const values = await this.entity.load(
      fills.map(({ slot }) => slot.key),
      trace,
      (index) => fills[index]?.slot.former?.(),
      signal,
    );
    if (values.length !== fills.length) throw new Error(`must load ${fills.length} values, but got: ${values.length}`);
    return values;
  }

  private keep(fills: readonly Fill<K, V>[], values: readonly V[], { loadedAt, mark }: Before, trace: Trace): Promise<void> {
    const writes: StoreEntry[] = [];
    const cost = this.parts.time.now() - loadedAt;
    fills.forEach(({ slot, flight }, index) => {
      const value = values[index] as V;
      const newest = this.flights.end(flight);
      if (slot.token === undefined) {
        const answer: Answer<V> = { value, loadedAt, outcome: 'bypassed' };
        this.parts.reuse.put(slot, answer, this.entity.weigh(value), mark);
        flight.land(answer);
        return;
      }
      const ttl = Math.ceil(this.entity.ttl(slot.key, value) * (1 - JITTER * this.parts.random()));
      const entry: Entry<V> = { format: ENTRY_FORMAT, token: slot.token, loadedAt, expiresAt: loadedAt + ttl, cost, value };
      const size = this.entity.weigh(value);
      if (newest) this.parts.memory.put(slot.tokenKey, { entry, mark }, size);
      // The others load what is larger by themselves: reading it would take longer than a request to the store may.
      if (size <= STORED_MAX)
        writes.push({ key: slot.valueKey, value: { ...entry, value: this.entity.pack(value) }, ttl: ttl + this.parts.staleFor });
      flight.land(answerOf(entry, 'filled'));
    });
    return writes.length > 0 ? this.writeBehind(writes, trace) : Promise.resolve();
  }

  /** The reader does not wait for it, and nothing depends on it: a lost or late write is a later miss. */
  private async writeBehind(entries: readonly StoreEntry[], trace: Trace): Promise<void> {
    trace.storeRoundTrip();
    const write = this.parts.store.setMany(entries);
    this.writes.add(write);
    await write;
    this.writes.delete(write);
  }

  /** Looks for what other processes fill. What they gave up, or what was invalidated meanwhile, is filled again. */
  private async awaitOthers(fills: readonly Fill<K, V>[], trace: Trace, rounds: number): Promise<void> {
    const refills: Promise<void>[] = [];
    let waiting = fills;
    const looks = Math.ceil(this.parts.fillLock / POLL);
    for (let look = 0; waiting.length > 0 && look < looks; look += 1) {
      await new Promise<void>((resolve) => this.parts.time.after(POLL, resolve));
      waiting = waiting.filter(({ flight }) => this.isWaitedFor(flight));
      if (waiting.length === 0) break;
      const abandoned = await this.look(waiting, trace);
      if (abandoned.length > 0) refills.push(this.fill(abandoned, trace, rounds - 1));
      waiting = waiting.filter((fill) => !fill.slot.answer && !abandoned.includes(fill));
    }
    if (waiting.length > 0) refills.push(this.fill(waiting, trace, rounds - 1));
    await Promise.all(refills);
  }

  /** Lands what is there by now. Answers those that nobody fills any more under their current token. */
  private async look(fills: readonly Fill<K, V>[], trace: Trace): Promise<Fill<K, V>[]> {
    const asked = this.flights.now();
    for (const { flight } of fills) flight.asked = asked;
    const slots = fills.map(({ slot }) => slot);
    const lockKeys = slots.map(({ tokenKey }) => lockKeyOf(tokenKey));
    const read = await this.lookup.recheck(slots, lockKeys, trace);
    return fills.filter(({ slot, flight }, index) => {
      if (slot.answer) {
        this.flights.end(flight);
        flight.land({ ...slot.answer, outcome: 'awaited' });
        return false;
      }
      flight.asked = undefined;
      return read.kind === 'unavailable' || !isLockFor(slot.token, read.get(lockKeys[index] ?? ''));
    });
  }

  /** If not, it ends, in the same tick. */
  private isWaitedFor(flight: Flight<Answer<V>>): boolean {
    if (flight.waiting > 0) return true;
    this.crash(flight, new AbandonedError());
    return false;
  }

  private crash(flight: Flight<Answer<V>>, error: unknown): void {
    this.flights.end(flight);
    flight.crash(error);
  }
}
