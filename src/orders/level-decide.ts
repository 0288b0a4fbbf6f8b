import type { EpochMilliseconds, Minutes } from '../units.js';
import { choose, type LevelCost } from './level-choice.js';
import { costOf, type DayDemand, type Lifetimes, type Prices } from './level-cost.js';
import type { DayNumber, LevelGrid } from './level-grid.js';
import type { LevelMeter } from './level-meter.js';
import { sumOf } from './level-rates.js';
import type { LevelTable } from './level-table.js';

/** A change of level, with all that it was derived from. */
export interface Decision {
  readonly day: DayNumber;
  readonly from: Minutes;
  readonly to: Minutes;
  readonly demand: DayDemand;
  readonly costs: readonly LevelCost[];
  readonly prices: Prices;
}

/** What one day costs at each level. */
export function costsOf(
  grid: LevelGrid,
  measured: { readonly day: DayNumber; readonly demand: DayDemand; readonly now: EpochMilliseconds },
  terms: { readonly prices: Prices; readonly lifetimes: Lifetimes },
): LevelCost[] {
  return grid.levels.map((level, index) => ({ level, cost: costOf(grid, index, measured, terms) }));
}

/** Which of the days that were read here should have another level now. Changes nothing. */
export function decide(
  meter: LevelMeter,
  table: LevelTable,
  demandsOfOthers: (day: DayNumber) => readonly DayDemand[],
  lifetimes: Lifetimes,
  now: EpochMilliseconds,
): Decision[] {
  const { prices, grid } = meter;
  return meter.days.flatMap((day) => {
    const rates = meter.of(day);
    if (!rates || rates.evidence === 0) return [];
    const demand = sumOf([rates.demand, ...demandsOfOthers(day)]);
    const costs = costsOf(grid, { day, demand, now }, { prices, lifetimes });
    const current = table.choiceOf(day);
    const to = choose(costs, current, rates.evidence, now);
    return to === current.level ? [] : [{ day, from: current.level, to, demand, costs, prices }];
  });
}
