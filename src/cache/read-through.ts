import type { EpochMilliseconds } from '../units.js';
import { tokenOf, type Entry } from './entry.js';
import type { Answer, CachedEntity } from './entity.js';
import { Flights, type Flight } from './flights.js';
import { answerOf, Lookup, type LookupParts, type Slot } from './lookup.js';
import type { Trace } from './outcome.js';
import { freshTokens } from './renewals.js';
import type { Store, StoreEntry } from './store.js';

/** What all entities of a process share. */
export interface CacheParts extends LookupParts {
  readonly store: Pick<Store, 'setMany'>;
  /** 0 ≤ random() < 1, for the jitter of TTLs. */
  readonly random: () => number;
}

/** A slot that this read loads itself, and the flight by which others may wait for it. */
interface Fill<K, V> {
  readonly slot: Slot<K, V>;
  readonly flight: Flight<Answer<V>>;
}

/** TTLs are shortened by up to this share, so that what was filled together does not expire together. */
const JITTER = 0.1;

/**
 * The exact read-through cache of one entity.
 *
 * Invariant: an answer is never older than the newest invalidation that was acknowledged before `readMany` was called.
 * It holds because
 *  1. a token is read from the store after the call (JoinedReader), and a hit carries that very token (Lookup);
 *  2. a fill has its token before it asks the source and stamps the entry with it, so that an invalidation in between
 *     leaves an entry that no later reader accepts;
 *  3. a load is joined only if it is at least as new as the reader (Flights);
 *  4. tokens never come back: they are random and bound to the epoch of the store.
 */
export class ReadThrough<K, V> {
  private readonly lookup: Lookup<K, V>;
  private readonly flights = new Flights<Answer<V>>();
  private readonly writes = new Set<Promise<unknown>>();

  constructor(
    private readonly entity: CachedEntity<K, V>,
    private readonly parts: CacheParts,
  ) {
    this.lookup = new Lookup(entity, parts);
  }

  /** Answers all keys, in order. Rejects with the source's error when a load fails. */
  async readMany(keys: readonly K[], trace: Trace): Promise<Answer<V>[]> {
    const arrival = this.flights.now();
    const slots = await this.lookup.find(keys, trace);
    const misses = slots.filter((slot) => !slot.answer);
    if (misses.length > 0) await this.joinOrFill(misses, arrival, trace);
    return slots.map(({ answer }) => {
      if (!answer) throw new Error('must have an answer for every key by now');
      trace.outcome(this.entity.name, answer.outcome);
      return answer;
    });
  }

  /** Waits for writes to the store that are still under way. */
  async flush(): Promise<void> {
    await Promise.all(this.writes);
  }

  /** Loads under way; 0 when idle. */
  get inFlight(): number {
    return this.flights.size;
  }

  /** Loads under way are joined where they are new enough, and those that ended meanwhile are used; the rest is loaded together. */
  private async joinOrFill(misses: readonly Slot<K, V>[], arrival: number, trace: Trace): Promise<void> {
    const fills: Fill<K, V>[] = [];
    const results = misses.map((slot) => {
      const joined = this.flights.joinable(slot.valueKey, slot.token, arrival);
      if (joined) return joined.result.then((answer): Answer<V> => ({ ...answer, outcome: 'joined' }));
      const landed = this.lookup.landed(slot);
      if (landed) return Promise.resolve(landed);
      const flight = this.flights.start(slot.valueKey, slot.token);
      fills.push({ slot, flight });
      return flight.result;
    });
    if (fills.length > 0) void this.fill(fills, trace);
    const answers = await Promise.all(results);
    misses.forEach((slot, index) => {
      slot.answer = answers[index];
    });
  }

  private async fill(fills: readonly Fill<K, V>[], trace: Trace): Promise<void> {
    try {
      await this.writeMissingTokens(fills, trace);
      const started = this.flights.now();
      for (const { flight } of fills) flight.loadStarted = started;
      const loadedAt = this.parts.time.now();
      const values = await this.load(fills, trace);
      this.keep(fills, values, loadedAt, trace);
    } catch (error) {
      for (const { flight } of fills) {
        this.flights.end(flight);
        flight.crash(error);
      }
    }
  }

  /** A key without a token gets one before the source is asked; where that fails the load is not kept. */
  private async writeMissingTokens(fills: readonly Fill<K, V>[], trace: Trace): Promise<void> {
    const lacking = fills.filter(({ slot }) => slot.storable && slot.token === undefined);
    if (lacking.length === 0) return;
    const tokens = freshTokens(lacking.map(({ slot }) => slot.tokenKey));
    trace.storeRoundTrip();
    const written = await this.parts.store.setMany(tokens);
    lacking.forEach(({ slot, flight }, index) => {
      slot.token = written.kind === 'written' ? tokenOf(written.epoch, tokens[index]?.value) : undefined;
      flight.token = slot.token;
    });
  }

  private async load(fills: readonly Fill<K, V>[], trace: Trace): Promise<readonly V[]> {
    const values = await this.entity.load(
      fills.map(({ slot }) => slot.key),
      trace,
    );
    if (values.length !== fills.length) throw new Error(`must load ${fills.length} values, but got: ${values.length}`);
    return values;
  }

  private keep(fills: readonly Fill<K, V>[], values: readonly V[], loadedAt: EpochMilliseconds, trace: Trace): void {
    const writes: StoreEntry[] = [];
    fills.forEach(({ slot, flight }, index) => {
      const value = values[index] as V;
      const newest = this.flights.end(flight);
      if (slot.token === undefined) {
        flight.land({ value, loadedAt, outcome: 'bypassed' });
        return;
      }
      const ttl = Math.ceil(this.entity.ttl(slot.key, value) * (1 - JITTER * this.parts.random()));
      const entry: Entry<V> = { token: slot.token, loadedAt, expiresAt: loadedAt + ttl, value };
      if (newest) this.parts.memory.put(slot.valueKey, entry, this.entity.weigh(value));
      writes.push({ key: slot.valueKey, value: { ...entry, value: this.entity.pack(value) }, ttl });
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
}
