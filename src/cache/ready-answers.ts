import { LRUCache } from 'lru-cache';
import type { Bytes, Clock, EpochMilliseconds } from '../units.js';
import type { Answer } from './entity.js';

/** A read of the cache by the readers `R` of whatever request makes it; it outlives the request that it came from. */
export type Read<R, V = unknown> = (readers: R) => Promise<Answer<V>>;

/** Notes what the answer to one request is made of: every read of the cache, and the time within which it is right. */
export class Recording<R> {
  /** By the promise of the read, since readers give one for each key: what is read many times is noted once. */
  private readonly reads = new Map<Promise<Answer<unknown>>, Read<R>>();
  private from = -Infinity;
  private until = Infinity;

  constructor(private readonly readers: R) {}

  read<V>(read: Read<R, V>): Promise<Answer<V>> {
    const answer = read(this.readers);
    this.reads.set(answer, read);
    return answer;
  }

  /** What is answered depends on the clock in no other way than that it lies within `[from, to)`. */
  onlyWithin({ from, to }: { readonly from: EpochMilliseconds; readonly to: EpochMilliseconds }): void {
    this.from = Math.max(this.from, from);
    this.until = Math.min(this.until, to);
  }

  /** What is answered is good for this request alone. */
  onlyNow(): void {
    this.until = -Infinity;
  }

  /** `undefined`: nobody can be given this answer again, or nothing was read for it. */
  async ended(): Promise<Recorded<R> | undefined> {
    const { from, until } = this;
    if (from >= until || this.reads.size === 0) return undefined;
    const reads = [...this.reads].map(async ([answer, read]) => ({ read, answer: await answer }));
    return { from, until, reads: await Promise.all(reads) };
  }
}

interface Recorded<R> {
  readonly from: EpochMilliseconds;
  readonly until: EpochMilliseconds;
  readonly reads: readonly { readonly read: Read<R>; readonly answer: Answer<unknown> }[];
}

/** What is asked, and on whose behalf: all that an answer depends on beside what is read for it, and the clock. */
export interface Question {
  /** The same object for the same text. */
  readonly document: object;
  readonly variables: string;
  /** Viewers of one scope get the same answers. */
  readonly scope: string;
}

interface Kept<R> {
  readonly text: string;
  readonly from: EpochMilliseconds;
  readonly until: EpochMilliseconds;
  readonly reads: readonly { readonly read: Read<R>; readonly serial: unknown; readonly loadedAt: EpochMilliseconds }[];
}

/** Of an answer beside its text, and of each of its reads: a closure, a key, a serial. */
const OVERHEAD: Bytes = 500;
const READ_SIZE: Bytes = 300;
const CHARACTER: Bytes = 2;

/**
 * Whole answers as they were sent, least recently used first out, bounded in bytes.
 *
 * Invariant: an answer is given again only to a request that would make the very same text. It holds because an answer is a
 * function of its question, of the values that were read for it, and of the clock as far as `Recording` was told. The
 * question is the same; all reads are made again, by the request itself and in the same way as without this cache; and
 * the answer counts only if each gives the very value that it gave before, an object of this process and not just an equal one.
 * So this cache knows nothing of tokens, and can be neither fresher nor older than its reads.
 */
export class ReadyAnswers<R> {
  private readonly kept: LRUCache<string, Kept<R>>;
  private readonly serials = new WeakMap<object, number>();
  private lastSerial = 0;

  constructor(
    maxSize: Bytes,
    private readonly clock: Clock,
  ) {
    this.kept = new LRUCache({ maxSize });
  }

  /** Never rejects: a read that fails is for the one who makes the answer anew, with the same `readers`. */
  async find(question: Question, readers: R): Promise<string | undefined> {
    const kept = this.kept.get(this.keyOf(question));
    const now = this.clock();
    if (!kept || now < kept.from || now >= kept.until) return undefined;
    try {
      const answers = await Promise.all(kept.reads.map(({ read }) => read(readers)));
      return kept.reads.every((each, index) => this.isSame(each, answers[index])) ? kept.text : undefined;
    } catch {
      return undefined;
    }
  }

  async keep(question: Question, recording: Recording<R>, text: string): Promise<void> {
    const recorded = await recording.ended();
    if (!recorded) return;
    const { from, until } = recorded;
    const reads = recorded.reads.map(({ read, answer }) => ({
      read,
      serial: this.serialOf(answer.value),
      loadedAt: answer.loadedAt,
    }));
    const key = this.keyOf(question);
    const size = OVERHEAD + CHARACTER * (key.length + text.length) + READ_SIZE * reads.length;
    this.kept.set(key, { text, from, until, reads }, { size });
  }

  get size(): Bytes {
    return this.kept.calculatedSize;
  }

  private isSame(then: Kept<R>['reads'][number], now: Answer<unknown> | undefined): boolean {
    return now !== undefined && this.serialOf(now.value) === then.serial && now.loadedAt === then.loadedAt;
  }

  private keyOf({ document, variables, scope }: Question): string {
    return JSON.stringify([this.serialOf(document), scope, variables]);
  }

  /** A number for an object, which keeps nothing alive; any other value stands for itself. */
  private serialOf(value: unknown): unknown {
    if (typeof value !== 'object' || value === null) return value;
    const known = this.serials.get(value);
    if (known !== undefined) return known;
    this.serials.set(value, (this.lastSerial += 1));
    return this.lastSerial;
  }
}
