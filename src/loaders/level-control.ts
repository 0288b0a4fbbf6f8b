import type { Store } from '../cache/store.js';
import { decide, type Decision } from '../orders/level-decide.js';
import type { DayDemand, Lifetimes } from '../orders/level-cost.js';
import type { DayNumber } from '../orders/level-grid.js';
import type { LevelMeter } from '../orders/level-meter.js';
import { demandsOfOthers, newerChoice, parseShared, SHARED_KEY, shared, type Shared } from '../orders/level-share.js';
import type { LevelTable } from '../orders/level-table.js';
import type { Time } from '../time.js';
import { HOUR, SECOND, type EpochMilliseconds, type Milliseconds } from '../units.js';

/** About how often levels are decided. */
export const INTERVAL: Milliseconds = 5 * SECOND;
/** Intervals differ by up to this share, so that instances do not write at the same moment again and again. */
const JITTER = 0.2;
/** How long the store remembers levels when no instance is there. */
const REMEMBERED: Milliseconds = 24 * HOUR;

export interface LevelControlParts {
  readonly store: Pick<Store, 'getMany' | 'setMany'>;
  /** False: levels stay as they are, and only measured rates are kept up to date. */
  readonly adaptive: boolean;
  readonly meter: LevelMeter;
  readonly table: LevelTable;
  readonly lifetimes: Lifetimes;
  readonly time: Time;
  /** 0 ≤ random() < 1 */
  readonly random: () => number;
  /** Another one for each instance. */
  readonly id: string;
  readonly onDecision: (decision: Decision) => void;
}

/**
 * Decides levels every few seconds, from what this instance and the others measure, and shares what it knows with them.
 *
 * Instances share one document. Each reads it, takes over what is newer, decides, and writes it back with its own part
 * replaced. The last writer wins: what it overwrites was said by an instance that says it again at its next turn, and of
 * two choices for a day all come to the same one (`newerChoice`). A lost document is written anew. None of this has to be
 * exact, since any level is right to read.
 */
export class LevelControl {
  private cancel: (() => void) | undefined;
  private closed = false;
  private turn: Promise<void> = Promise.resolve();
  private aged: EpochMilliseconds;
  private known: Shared = { choices: new Map(), instances: {} };

  constructor(private readonly parts: LevelControlParts) {
    this.aged = parts.time.now();
  }

  /** The first turn is at once: other instances may have decided already. */
  start(): void {
    this.turn = this.runTurn(true);
  }

  /** Waits for a turn under way. */
  async close(): Promise<void> {
    this.closed = true;
    this.cancel?.();
    await this.turn;
  }

  /** What other instances measured of a day, as they said last. */
  demandsOfOthers(day: DayNumber): DayDemand[] {
    return demandsOfOthers(this.known, this.parts.id, day);
  }

  private async runTurn(isFirst: boolean): Promise<void> {
    this.age();
    const { adaptive, meter } = this.parts;
    // Who reads nothing has nothing to decide, and nothing to tell.
    if (adaptive && (isFirst || meter.days.some((day) => meter.of(day)?.evidence))) await this.decideTogether();
    if (this.closed) return;
    const delay = INTERVAL * (1 + JITTER * (2 * this.parts.random() - 1));
    this.cancel = this.parts.time.after(delay, () => {
      this.turn = this.runTurn(false);
    });
  }

  /** Without the store each decides by what itself knows. */
  private async decideTogether(): Promise<void> {
    const { store, meter, table, lifetimes, id, onDecision } = this.parts;
    const read = await store.getMany([SHARED_KEY]);
    if (this.closed) return;
    const now = this.parts.time.now();
    this.known = parseShared(read.kind === 'read' ? read.values[0] : undefined, meter.grid, now);
    this.adopt(now);
    for (const decision of decide(meter, table, (day) => this.demandsOfOthers(day), lifetimes, now)) {
      table.put(decision.day, { ...table.choiceOf(decision.day), level: decision.to, since: now }, now);
      onDecision(decision);
    }
    if (read.kind === 'unavailable') return;
    const demands = new Map(meter.days.filter((day) => meter.of(day)?.evidence).map((day) => [day, meter.demandOf(day)]));
    const value = shared(this.known, { id, demands }, table.choices(), meter.grid, now);
    await store.setMany([{ key: SHARED_KEY, value, ttl: REMEMBERED }]);
  }

  private age(): void {
    const now = this.parts.time.now();
    // A clock that was set back makes nothing younger.
    this.parts.meter.age(Math.max(0, now - this.aged));
    this.aged = now;
  }

  private adopt(now: EpochMilliseconds): void {
    const { table } = this.parts;
    for (const [day, theirs] of this.known.choices) {
      const ours = table.choiceOf(day);
      const newer = newerChoice(ours, theirs);
      if (newer.level !== ours.level || newer.since !== ours.since || newer.cap !== ours.cap) table.put(day, newer, now);
    }
  }
}
