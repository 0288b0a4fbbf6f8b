import { GatewayError } from '../errors.js';
import { untilAborted } from '../until-aborted.js';
import type { Answer, CachedEntity } from './entity.js';
import type { Entry } from './entry.js';
import { Filler, type CacheParts, type Fill } from './filler.js';
import { Flights, type Flight } from './flights.js';
import { answerOf, Lookup, type Slot } from './lookup.js';
import type { Trace } from './outcome.js';

/** For work that no operation waits for. */
const NOBODY: Trace = { outcome: () => undefined, storeRoundTrip: () => undefined, sqlStatement: () => undefined };

/**
 * The exact read-through cache of one entity.
 *
 * Invariant: an answer is never older than the newest invalidation that was acknowledged before `readMany` was called.
 * It holds because
 *  1. a token is read from the store after the call (JoinedReader), and a hit carries that very token (Lookup);
 *  2. a fill has its token before it asks the source and stamps the entry with it, so that an invalidation in between
 *     leaves an entry that no later reader accepts (Filler);
 *  3. a load is joined only if it is at least as new as the reader (Flights);
 *  4. tokens never come back: they are random and bound to the epoch of the store.
 */
export class ReadThrough<K, V> {
  private readonly lookup: Lookup<K, V>;
  private readonly filler: Filler<K, V>;
  private readonly flights = new Flights<Answer<V>>();

  constructor(
    private readonly entity: CachedEntity<K, V>,
    private readonly parts: CacheParts,
  ) {
    this.lookup = new Lookup(entity, parts);
    this.filler = new Filler(entity, parts, this.lookup, this.flights);
  }

  /**
   * Answers all keys, in order. Rejects with the source's error when a load fails and nothing can stand in for it.
   * @param signal the reader leaves when it is aborted, and `readMany` rejects with its reason. A load goes on for as long as
   *   anybody else waits for it; then the source is told to give it up, and it is as if it had never begun.
   */
  async readMany(keys: readonly K[], trace: Trace, signal?: AbortSignal): Promise<Answer<V>[]> {
    signal?.throwIfAborted();
    const arrival = this.flights.now();
    const slots = await this.lookup.find(keys, trace);
    const misses = slots.filter((slot) => !slot.answer);
    if (misses.length > 0) await this.joinOrFill(misses, arrival, trace, signal);
    this.refresh(slots.filter(({ hit }) => hit && this.isDue(hit)));
    return slots.map(({ answer }) => {
      if (!answer) throw new Error('must have an answer for every key by now');
      trace.outcome(this.entity.name, answer.outcome);
      return answer;
    });
  }

  /** What is valid now of `keys`, in order; `undefined`: nothing. A look-up as in `readMany`; loads nothing, counts no outcome. */
  async peekMany(keys: readonly K[], trace: Trace): Promise<(Answer<V> | undefined)[]> {
    return (await this.lookup.find(keys, trace)).map(({ answer }) => answer);
  }

  /** Waits for writes to the store that are still under way. */
  flush(): Promise<void> {
    return this.filler.flush();
  }

  /** Loads under way; 0 when idle. */
  get inFlight(): number {
    return this.flights.size;
  }

  /** Loads under way are joined where they are new enough, and those that ended meanwhile are used; the rest is loaded together. */
  private async joinOrFill(misses: readonly Slot<K, V>[], arrival: number, trace: Trace, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    const fills: Fill<K, V>[] = [];
    const waitedFor: Flight<Answer<V>>[] = [];
    const enter = (flight: Flight<Answer<V>>): Flight<Answer<V>> => {
      flight.enter();
      waitedFor.push(flight);
      return flight;
    };
    const results = misses.map((slot) => {
      const joined = this.flights.joinable(slot.tokenKey, slot.token, arrival);
      if (joined) return enter(joined).result.then((answer): Answer<V> => ({ ...answer, outcome: 'joined' }));
      const ready = this.lookup.landed(slot) ?? this.parts.reuse.get(slot);
      if (ready) return Promise.resolve(ready);
      const current = slot.trust === 'unavailable' ? this.flights.find(slot.tokenKey) : undefined;
      const flight = enter(this.flights.start(slot.tokenKey, slot.token));
      if (current) this.fillAfter(current, { slot, flight }, trace);
      else fills.push({ slot, flight });
      return flight.result;
    });
    if (fills.length > 0) void this.filler.fill(fills, trace);
    const answered = Promise.all(
      misses.map(async (slot, index) => {
        slot.answer = await results[index]?.catch((error: unknown) => this.standIn(slot, error, trace));
      }),
    );
    await untilAborted(answered, signal, () => {
      for (const flight of waitedFor) flight.leave();
    });
  }

  /**
   * Without the store a load under way cannot be known to be new enough for who comes later. They all wait for one next
   * load, which begins when that has ended: the source gets one load of a key at a time.
   */
  private fillAfter(current: Flight<Answer<V>>, fill: Fill<K, V>, trace: Trace): void {
    const next = () => this.filler.fill([fill], trace);
    void current.result.then(next, next);
  }

  /**
   * Whether to load anew already now, before the entry expires: probabilistic early expiration, so that a hot key is
   * refreshed once by somebody and never missed by all at the same time. Vattani, Chierichetti, Lowenstein: Optimal
   * Probabilistic Cache Stampede Prevention, VLDB 2015, with β = 1.
   */
  private isDue({ expiresAt, cost }: Entry<V>): boolean {
    return this.parts.time.now() - cost * Math.log(1 - this.parts.random()) >= expiresAt;
  }

  /** In the background. If it fails, the entry is still good, and its expiry brings a load that somebody waits for. */
  private refresh(slots: readonly Slot<K, V>[]): void {
    const fills = slots
      .filter(({ tokenKey }) => !this.flights.find(tokenKey))
      // A slot of its own: others may join, so what is answered now must not land as the outcome of the fill.
      .map((slot) => ({
        slot: { ...slot, memory: undefined, hit: undefined, answer: undefined },
        flight: this.flights.start(slot.tokenKey, slot.token),
      }));
    // The cache itself waits for it, and never leaves.
    for (const { flight } of fills) flight.enter();
    if (fills.length > 0) void this.filler.fill(fills, NOBODY);
  }

  /** The last known value, marked as stale, where the source does not answer. */
  private standIn(slot: Slot<K, V>, error: unknown, trace: Trace): Answer<V> {
    const isOutage = error instanceof GatewayError && error.code === 'SOURCE_UNAVAILABLE';
    if (isOutage && slot.fallback) return answerOf(slot.fallback, 'stale');
    trace.outcome(this.entity.name, 'failed');
    throw error;
  }
}
