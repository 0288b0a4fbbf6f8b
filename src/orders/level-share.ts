import { z } from 'zod';
import { MINUTE, type EpochMilliseconds, type Milliseconds, type Minutes } from '../units.js';
import type { Choice } from './level-choice.js';
import type { DayDemand } from './level-cost.js';
import type { DayNumber, LevelGrid } from './level-grid.js';

/** Where the store keeps what instances tell each other about levels. */
export const SHARED_KEY = 'orders:levels';

/** An instance that has said nothing for this long is gone. */
const SILENCE: Milliseconds = MINUTE;
/** The most days that an instance tells its rates of: those that are read most. */
const DEMANDS_MAX = 31;
/** The most days whose level is told: those that were decided last. */
const CHOICES_MAX = 200;

const rate = z.number().nonnegative();
const choice = z.object({ level: z.number(), since: z.number(), cap: z.number().optional() });
const demand = z.object({
  operations: rate,
  reads: z.array(z.array(rate)),
  changes: z.array(z.array(rate)),
  rows: z.array(rate),
});
const byDay = <T extends z.ZodType>(value: T) => z.record(z.string().regex(/^-?\d+$/), value);
const document = z.object({
  levels: z.array(z.number()),
  choices: byDay(choice),
  instances: z.record(z.string(), z.object({ at: z.number(), demands: byDay(demand) })),
});

type Instances = z.output<typeof document>['instances'];

/** What all instances know together, as one of them reads it. */
export interface Shared {
  readonly choices: ReadonlyMap<DayNumber, Choice>;
  /** Instance → what it measures. */
  readonly instances: Instances;
}

const NOTHING: Shared = { choices: new Map(), instances: {} };

/** What the store has, without instances that are gone. What is no document for these levels counts as nothing. */
export function parseShared(stored: unknown, grid: LevelGrid, now: EpochMilliseconds): Shared {
  const parsed = document.safeParse(stored);
  if (!parsed.success || parsed.data.levels.join() !== grid.levels.join()) return NOTHING;
  const known = (level: Minutes | undefined) => level === undefined || grid.levels.includes(level);
  const choices = Object.entries(parsed.data.choices)
    .filter(([, { level, cap }]) => known(level) && known(cap))
    // A clock that is ahead must not win for ever.
    .map(([day, { level, since, cap }]): [DayNumber, Choice] => [
      Number(day),
      { level, since: Math.min(since, now), ...(cap !== undefined && { cap }) },
    ]);
  const alive = Object.entries(parsed.data.instances).filter(([, { at }]) => Math.abs(now - at) < SILENCE);
  return { choices: new Map(choices), instances: Object.fromEntries(alive) };
}

/** The document that instance `self` leaves in the store: what it read there, with its own part replaced. */
export function shared(
  { instances }: Shared,
  self: { readonly id: string; readonly demands: ReadonlyMap<DayNumber, DayDemand> },
  choices: ReadonlyMap<DayNumber, Choice>,
  grid: LevelGrid,
  now: EpochMilliseconds,
): object {
  const newest = [...choices].sort(([, a], [, b]) => b.since - a.since).slice(0, CHOICES_MAX);
  const busiest = [...self.demands].sort(([, a], [, b]) => b.operations - a.operations).slice(0, DEMANDS_MAX);
  const own = { at: now, demands: Object.fromEntries(busiest.map(([day, each]) => [day, rounded(each)])) };
  return { levels: grid.levels, choices: Object.fromEntries(newest), instances: { ...instances, [self.id]: own } };
}

/** What the instances but `self` measure of `day`. */
export function demandsOfOthers({ instances }: Shared, self: string, day: DayNumber): DayDemand[] {
  return Object.entries(instances).flatMap(([id, { demands }]) => {
    const measured = demands[String(day)];
    return id === self || measured === undefined ? [] : [measured];
  });
}

/**
 * Of two choices for one day the newer one; what a tile was found to be too large for holds for both. Whoever merges in
 * whatever order comes to the same.
 */
export function newerChoice(a: Choice, b: Choice): Choice {
  const { level, since } = b.since > a.since || (b.since === a.since && b.level < a.level) ? b : a;
  const cap = Math.min(a.cap ?? Infinity, b.cap ?? Infinity);
  return { level: Math.min(level, cap), since, ...(cap !== Infinity && { cap }) };
}

/** Three digits are more than rates are known by, and keep the document small. */
function rounded({ operations, reads, changes, rows }: DayDemand): DayDemand {
  const all = (values: readonly number[]) => values.map(round);
  return { operations: round(operations), reads: reads.map(all), changes: changes.map(all), rows: all(rows) };
}

function round(value: number): number {
  return Number(value.toPrecision(3));
}
