import type { EpochMilliseconds } from '../units.js';
import { toldOf, type Interest, type Told, type Topic, type TopicEvents } from './interest.js';
import { tooManyChanges } from './interruption.js';
import type { LiveChange } from './net-changes.js';

/** The most orders that wait for a subscription that is slow to take them. */
const WAITING_MAX = 10_000;

/**
 * The events of one subscription, to be taken one after the other. An order that changes again while it waits is told of
 * once, as it is then; so an older state never follows a newer one, and what waits is bounded by the number of orders.
 */
export class Watch<T extends Topic = Topic> implements AsyncIterableIterator<TopicEvents[T]> {
  private readonly waiting = new Map<string, Told>();
  private taker: { resolve: (result: IteratorResult<TopicEvents[T]>) => void; reject: (error: unknown) => void } | undefined;
  private end: { readonly error?: unknown } | undefined;

  constructor(
    private readonly interest: Interest<T>,
    /** Called once, when nobody will take any more. */
    private readonly onEnd: () => void,
  ) {}

  offer(change: LiveChange, at: EpochMilliseconds): void {
    if (this.end) return;
    const told = toldOf(this.interest, change, at, this.waiting.has(change.id));
    if (told === undefined) this.waiting.delete(change.id);
    else this.waiting.set(change.id, told);
    if (this.waiting.size > WAITING_MAX) this.fail(tooManyChanges());
    else this.serve();
  }

  /** Ends it with an error that comes before whatever still waits. */
  fail(error: unknown): void {
    if (this.end) return;
    this.end = { error };
    this.waiting.clear();
    this.onEnd();
    this.serve();
  }

  next(): Promise<IteratorResult<TopicEvents[T]>> {
    return new Promise((resolve, reject) => {
      this.taker = { resolve, reject };
      this.serve();
    });
  }

  return(): Promise<IteratorResult<TopicEvents[T]>> {
    if (!this.end) {
      this.end = {};
      this.waiting.clear();
      this.onEnd();
    }
    this.serve();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  private serve(): void {
    const { taker, end } = this;
    if (!taker) return;
    const [next] = this.waiting;
    if (!next && !end) return;
    this.taker = undefined;
    if (next) {
      this.waiting.delete(next[0]);
      // `toldOf` gives what the topic tells, which a computed name hides from the compiler.
      taker.resolve({ done: false, value: { [this.interest.topic]: next[1] } as unknown as TopicEvents[T] });
    } else if (end && 'error' in end) {
      taker.reject(end.error);
      this.end = {};
    } else taker.resolve({ done: true, value: undefined });
  }
}
