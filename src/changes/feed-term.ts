import { randomUUID } from 'node:crypto';
import type { Time } from '../time.js';
import { SECOND, type Milliseconds, type Snapshot } from '../units.js';
import { Alarm } from './alarm.js';
import { NotAcknowledgedError, type Drain } from './drain.js';
import type { FeedLog } from './feed-log.js';
import type { FeedState } from './feed-state.js';
import { Aging } from './pruning.js';

/** Reads follow each other at this distance at the least, so that many small commits become one read. */
const PAUSE: Milliseconds = 10;
/**
 * After a change the log is read on for a while, although nothing is announced: the position then soon covers whatever a
 * follower of the log has read at the same time.
 */
const LIVELY: Milliseconds = SECOND;
const BEAT_EACH: Milliseconds = SECOND;

export interface TermParts {
  readonly log: FeedLog;
  readonly drain: Drain;
  readonly state: FeedState;
  readonly time: Time;
  /** The longest pause between two reads, and the longest shortly after a change. */
  readonly idle: Milliseconds;
  readonly lively: Milliseconds;
  readonly retention: Milliseconds;
  /** Called after every read of the log. */
  readonly onRead: () => void;
  readonly onPruneFailed: (error: unknown) => void;
}

/** The term was stopped in the middle of a read. */
class TermEndedError extends Error {
  override readonly name = 'TermEndedError';
}

/**
 * One term of a leader: reads what is new, renews it, and moves the position.
 *
 * Invariant: a position is written only after everything up to it was renewed, and the store has acknowledged that; so
 * whoever goes on from a stored position misses nothing. Reads do not wait for the gateways' own changes of former reads; the
 * position does, for it moves in the order of the reads. A term that cannot keep this ends.
 */
export class FeedTerm {
  private readonly alarm: Alarm;
  private readonly aging: Aging;
  private readonly name = randomUUID();
  private beats = 0;
  private lastBeat = -Infinity;
  private reached: Snapshot | undefined;
  /** Settles when all former reads are done with, in their order. */
  private completed: Promise<void> = Promise.resolve();
  private pruning: Promise<void> | undefined;
  private failure: { readonly error: unknown } | undefined;
  private stopped = false;

  constructor(private readonly parts: TermParts) {
    this.alarm = new Alarm(parts.time);
    this.aging = new Aging(parts.retention);
  }

  /** There may be changes. */
  readonly wake = (): void => this.alarm.ring();

  /** Ends the term; what a read under way has not renewed is left to the next one. */
  stop(): void {
    this.stopped = true;
    this.alarm.ring();
  }

  /** Resolves after `stop`. Rejects when the log cannot be read, or the store does not acknowledge. */
  async run(from: Snapshot | undefined): Promise<void> {
    this.reached = from;
    try {
      await this.follow(from);
      await this.completed;
    } catch (error) {
      const reason = this.failure ? this.failure.error : error;
      if (!(reason instanceof TermEndedError)) throw reason;
    } finally {
      this.stopped = true;
      await this.pruning;
    }
  }

  private async follow(from: Snapshot | undefined): Promise<void> {
    let since = from;
    let livelyUntil = -Infinity;
    while (!this.stopped) {
      const read = await this.parts.log.read(since);
      this.parts.onRead();
      const { found, rest } = await this.parts.drain.take(read, this.progress);
      since = read.snapshot;
      this.complete(read.snapshot, rest);
      const { time, idle, lively } = this.parts;
      if (found) livelyUntil = time.now() + LIVELY;
      if (found) await new Promise<void>((resolve) => void time.after(PAUSE, resolve));
      await this.alarm.sleep(time.now() < livelyUntil ? lively : idle);
    }
  }

  private complete(snapshot: Snapshot, rest: Promise<void>): void {
    // Both are waited for at once: a rejection of either is never without a handler.
    this.completed = Promise.all([this.completed, rest])
      .then(() => this.reach(snapshot))
      .catch((error: unknown) => {
        this.failure ??= { error };
        this.stop();
        throw error;
      });
    this.completed.catch(() => undefined);
  }

  private async reach(snapshot: Snapshot): Promise<void> {
    const now = this.parts.time.now();
    if (snapshot !== this.reached || now - this.lastBeat >= BEAT_EACH) await this.save(snapshot);
    this.reached = snapshot;
    this.aging.reached(snapshot, now);
    this.prune();
  }

  /** Shows the standbys that a long read gets on. @throws TermEndedError */
  private readonly progress = (): void => {
    if (this.stopped) throw new TermEndedError();
    const now = this.parts.time.now();
    if (now - this.lastBeat < BEAT_EACH) return;
    this.lastBeat = now;
    this.completed = this.completed.then(() => this.save(this.reached));
    this.completed.catch(() => undefined);
  };

  private async save(snapshot: Snapshot | undefined): Promise<void> {
    this.lastBeat = this.parts.time.now();
    const mark = { ...(snapshot !== undefined && { snapshot }), beat: `${this.name}/${++this.beats}` };
    if (!(await this.parts.state.save(mark))) throw new NotAcknowledgedError();
  }

  private prune(): void {
    const bound = this.aging.takeBound(this.parts.time.now());
    if (bound === undefined || this.pruning) return;
    this.pruning = this.pruneBelow(bound)
      .catch(this.parts.onPruneFailed)
      .finally(() => (this.pruning = undefined));
  }

  private async pruneBelow(bound: bigint): Promise<void> {
    while (!this.stopped && (await this.parts.log.prune(bound)) > 0);
  }
}
