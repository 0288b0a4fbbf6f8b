import type { EpochMilliseconds, Milliseconds } from '../units.js';
import { newNonce, tokenOf, type Entry } from './entry.js';
import type { Answer, CachedEntity } from './entity.js';
import { holdLocks, lockKeyOf, type LockParts } from './fill-lock.js';
import type { Flight, Flights } from './flights.js';
import { answerOf, type Lookup, type LookupParts, type Slot } from './lookup.js';
import type { Trace } from './outcome.js';
import type { Reuse } from './reuse.js';
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

/** What was known when the source was asked. */
interface Before {
  readonly loadedAt: EpochMilliseconds;
  readonly mark: number;
}

/** TTLs are shortened by up to this share, so that what was filled together does not expire together. */
const JITTER = 0.1;
/** How often a process looks whether another one has filled what it waits for. */
const POLL: Milliseconds = 15;
/** Waiting ends after so many lock times, whatever happens; then everyone loads for itself. */
const PATIENCE = 10;
/** How long a lock outlives its fill: for those who looked before the entry was there, and claim it afterwards. */
const GRACE: Milliseconds = 200;

/**
 * Fills what was missed: once for all processes as long as the store answers, else once for this one.
 *
 * Every fill claims its keys first. Whoever gets the lock loads; the others look for the entry until it is there, or the
 * lock is gone. A holder extends its lock while its load goes on, so a slow database does not make others load as well.
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
    const claimed = fills.filter(({ slot }) => slot.trust === 'trusted');
    const mine = fills.filter(({ slot }) => slot.trust !== 'trusted');
    const others: Fill<K, V>[] = [];
    if (claimed.length === 0) return { mine, others };
    trace.storeRoundTrip();
    const claims = claimed.map(({ slot }) => ({ tokenKey: slot.tokenKey, lockKey: lockKeyOf(slot.tokenKey), nonce: newNonce() }));
    const answer = await this.parts.store.claim(claims, owner, this.parts.fillLock);
    claimed.forEach((fill, index) => {
      const result = answer.kind === 'claimed' ? answer.results[index] : undefined;
      fill.slot.token = answer.kind === 'claimed' ? tokenOf(answer.epoch, result?.nonce) : undefined;
      fill.flight.token = fill.slot.token;
      (waits && result?.locked === false ? others : mine).push(fill);
    });
    return { mine, others };
  }

  private async loadAll(fills: readonly Fill<K, V>[], owner: string, trace: Trace): Promise<void> {
    if (fills.length === 0) return;
    const locks = fills.filter(({ slot }) => slot.token !== undefined).map(({ slot }) => lockKeyOf(slot.tokenKey));
    const letGo = holdLocks(locks, owner, this.parts);
    try {
      const asked = this.flights.now();
      for (const { flight } of fills) flight.asked = asked;
      const before = { loadedAt: this.parts.time.now(), mark: this.parts.reuse.mark() };
      const values = await this.load(fills, trace);
      this.keep(fills, values, before, trace);
      letGo(GRACE);
    } catch (error) {
      letGo(0);
      for (const { flight } of fills) this.crash(flight, error);
    }
  }

  private async load(fills: readonly Fill<K, V>[], trace: Trace): Promise<readonly V[]> {
    const values = await this.entity.load(
      fills.map(({ slot }) => slot.key),
      trace,
    );
    if (values.length !== fills.length) throw new Error(`must load ${fills.length} values, but got: ${values.length}`);
    return values;
  }

  private keep(fills: readonly Fill<K, V>[], values: readonly V[], { loadedAt, mark }: Before, trace: Trace): void {
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
      const entry: Entry<V> = { token: slot.token, loadedAt, expiresAt: loadedAt + ttl, cost, value };
      if (newest) this.parts.memory.put(slot.tokenKey, entry, this.entity.weigh(value));
      writes.push({ key: slot.valueKey, value: { ...entry, value: this.entity.pack(value) }, ttl: ttl + this.parts.staleFor });
      flight.land(answerOf(entry, 'filled'));
    });
    if (writes.length > 0) this.writeBehind(writes, trace);
  }

  /** The reader does not wait for it, and nothing depends on it: a lost or late write is a later miss. */
  private writeBehind(entries: readonly StoreEntry[], trace: Trace): void {
    trace.storeRoundTrip();
    const write = this.parts.store.setMany(entries).finally(() => this.writes.delete(write));
    this.writes.add(write);
  }

  /** Looks for what other processes fill. What they gave up, or what was invalidated meanwhile, is filled again. */
  private async awaitOthers(fills: readonly Fill<K, V>[], trace: Trace, rounds: number): Promise<void> {
    let waiting = fills;
    const polls = Math.ceil(this.parts.fillLock / POLL);
    for (let poll = 0; waiting.length > 0 && poll < polls; poll += 1) {
      await new Promise<void>((resolve) => this.parts.time.after(POLL, resolve));
      const abandoned = await this.look(waiting, trace);
      waiting = waiting.filter(({ slot }) => !slot.answer);
      if (abandoned) break;
    }
    if (waiting.length > 0) await this.fill(waiting, trace, rounds - 1);
  }

  /** Lands what is there by now. Answers whether one of the others is no longer being filled by anyone. */
  private async look(fills: readonly Fill<K, V>[], trace: Trace): Promise<boolean> {
    const asked = this.flights.now();
    for (const { flight } of fills) flight.asked = asked;
    const slots = fills.map(({ slot }) => slot);
    const read = await this.lookup.recheck(
      slots,
      slots.map(({ tokenKey }) => lockKeyOf(tokenKey)),
      trace,
    );
    let abandoned = read.kind === 'unavailable';
    for (const { slot, flight } of fills) {
      if (slot.answer) {
        this.flights.end(flight);
        flight.land(slot.answer);
        continue;
      }
      flight.asked = undefined;
      if (read.kind === 'read' && read.get(lockKeyOf(slot.tokenKey)) === undefined) abandoned = true;
    }
    return abandoned;
  }

  private crash(flight: Flight<Answer<V>>, error: unknown): void {
    this.flights.end(flight);
    flight.crash(error);
  }
}
