import type { Token } from './entry.js';
import type { SharedLoad } from './shared-load.js';

/** One load under way, and those who wait for it. Moments are counted, not measured: only their order matters. */
export class Flight<A> {
  /** The token that was current before the load began; `undefined`: not known yet, or the store does not answer. */
  token: Token | undefined;
  /** The moment the source, or the store again, was asked for what will land; `undefined` while that is still to come. */
  asked: number | undefined;
  readonly result: Promise<A>;
  land: (answer: A) => void = () => undefined;
  crash: (error: unknown) => void = () => undefined;
  /** The load that will land it, once that has begun. */
  private load: SharedLoad | undefined;
  private readers = 0;

  constructor(readonly key: string) {
    this.result = new Promise((resolve, reject) => {
      this.land = resolve;
      this.crash = reject;
    });
    // Those who waited for it may all have left.
    this.result.catch(() => undefined);
  }

  /** How many readers wait for it. */
  get waiting(): number {
    return this.readers;
  }

  /** One more reader waits for `result`, until it lands, crashes, or the reader leaves. */
  enter(): void {
    this.readers += 1;
    this.load?.changed(1);
  }

  leave(): void {
    this.readers -= 1;
    this.load?.changed(-1);
  }

  loadBy(load: SharedLoad | undefined): void {
    this.load = load;
  }
}

/**
 * Loads under way by key, for single-flight within the process. One of these belongs to one entity: keys of different
 * kinds never meet.
 */
export class Flights<A> {
  private readonly byKey = new Map<string, Flight<A>>();
  private moment = 0;

  /** A new moment, later than all before. */
  now(): number {
    return ++this.moment;
  }

  get size(): number {
    return this.byKey.size;
  }

  /**
   * The flight that a reader may join: one that fills under the token that the reader found current, or one that asks
   * only after the reader arrived. Both land what is at least as new as the reader's arrival.
   */
  joinable(key: string, token: Token | undefined, arrival: number): Flight<A> | undefined {
    const flight = this.byKey.get(key);
    if (!flight) return undefined;
    const sameToken = token !== undefined && token === flight.token;
    const asksLater = flight.asked === undefined || flight.asked > arrival;
    return sameToken || asksLater ? flight : undefined;
  }

  /** The newest flight of the key, whoever may join it. */
  find(key: string): Flight<A> | undefined {
    return this.byKey.get(key);
  }

  /** A new flight, which others find from now on; an older one of the same key goes on for those who joined it. */
  start(key: string, token: Token | undefined): Flight<A> {
    const flight = new Flight<A>(key);
    flight.token = token;
    this.byKey.set(key, flight);
    return flight;
  }

  /** Takes `flight` out. Answers whether it was still the newest of its key. */
  end(flight: Flight<A>): boolean {
    return this.byKey.get(flight.key) === flight && this.byKey.delete(flight.key);
  }
}
