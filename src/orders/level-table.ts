import type { EpochMilliseconds, Milliseconds, Minutes } from '../units.js';
import type { Choice } from './level-choice.js';
import type { DayNumber } from './level-grid.js';

/** A level that a day had: until when entries of it can be fresh, and until when they can stand in for a lost source. */
interface Former {
  readonly level: Minutes;
  readonly freshUntil: EpochMilliseconds;
  readonly staleUntil: EpochMilliseconds;
}

interface Row {
  readonly choice: Choice;
  readonly former: readonly Former[];
}

export interface TableOptions {
  /** Ascending. */
  readonly levels: readonly Minutes[];
  /** Of days that nothing else was decided for. */
  readonly initial: Minutes;
  readonly ttl: Milliseconds;
  readonly staleFor: Milliseconds;
}

/** The most days whose level is remembered; the least recently switched is forgotten first, which costs misses only. */
const DAYS_MAX = 1_000;

/** The level of each UTC day of data as this process reads it now. Any level is right to read: see `touchedTokens`. */
export class LevelTable {
  private readonly rows = new Map<DayNumber, Row>();
  private settledFrom: EpochMilliseconds = 0;
  private forgottenFrom: EpochMilliseconds = 0;
  private switchCount = 0;

  constructor(private readonly options: TableOptions) {}

  get levels(): readonly Minutes[] {
    return this.options.levels;
  }

  readonly levelOf = (day: DayNumber): Minutes => this.rows.get(day)?.choice.level ?? this.options.initial;

  choiceOf(day: DayNumber): Choice {
    return this.rows.get(day)?.choice ?? { level: this.options.initial, since: 0 };
  }

  /** Every day that something was decided for. */
  choices(): ReadonlyMap<DayNumber, Choice> {
    return new Map([...this.rows].map(([day, { choice }]) => [day, choice]));
  }

  /** How often a level was changed here. */
  get switches(): number {
    return this.switchCount;
  }

  /** Whether no day has fresh entries of a level that it had before. */
  isSettled(now: EpochMilliseconds): boolean {
    return now >= this.settledFrom;
  }

  /** The levels whose entries may still be fresh, newest first, without the current one. Empty outside of a transition. */
  fresh(day: DayNumber, now: EpochMilliseconds): Minutes[] {
    return this.formerOf(day, ({ freshUntil }) => now < freshUntil);
  }

  /** The last level before this one whose entries may still stand in for a source that does not answer. */
  standIn(day: DayNumber, now: EpochMilliseconds): Minutes | undefined {
    return now < this.forgottenFrom ? this.formerOf(day, ({ staleUntil }) => now < staleUntil)[0] : undefined;
  }

  /**
   * From now on `day` has this level. Entries of the former one can be fresh until its time to live has passed, counted
   * from now and not from `choice.since`: another instance may have decided, and this one has read the old level until now.
   */
  put(day: DayNumber, choice: Choice, now: EpochMilliseconds): void {
    const row = this.rows.get(day);
    const level = this.levelOf(day);
    this.rows.delete(day);
    if (choice.level === level) {
      this.rows.set(day, { choice, former: row?.former ?? [] });
    } else {
      const freshUntil = now + this.options.ttl;
      const staleUntil = freshUntil + this.options.staleFor;
      const others = (row?.former ?? []).filter((each) => each.level !== level && now < each.staleUntil);
      this.rows.set(day, { choice, former: [{ level, freshUntil, staleUntil }, ...others] });
      this.settledFrom = Math.max(this.settledFrom, freshUntil);
      this.forgottenFrom = Math.max(this.forgottenFrom, staleUntil);
      this.switchCount += 1;
    }
    const [oldest] = this.rows.keys();
    if (this.rows.size > DAYS_MAX && oldest !== undefined) this.rows.delete(oldest);
  }

  private formerOf(day: DayNumber, holds: (former: Former) => boolean): Minutes[] {
    const row = this.rows.get(day);
    return row ? row.former.filter((each) => each.level !== row.choice.level && holds(each)).map(({ level }) => level) : [];
  }
}
