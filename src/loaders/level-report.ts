import { GatewayError } from '../errors.js';
import { costsOf } from '../orders/level-decide.js';
import type { LevelCost } from '../orders/level-choice.js';
import type { DayDemand, Lifetimes } from '../orders/level-cost.js';
import type { DayNumber } from '../orders/level-grid.js';
import type { LevelMeter } from '../orders/level-meter.js';
import { sumOf, total } from '../orders/level-rates.js';
import type { LevelTable } from '../orders/level-table.js';
import { isoDay } from '../orders/tiles.js';
import { DAY, type EpochMilliseconds, type Minutes } from '../units.js';

/** What is known of one UTC day of data: what `DayLevel` shows. Rates are per minute. */
export interface DayLevel {
  /** `2025-07-24` */
  readonly day: string;
  readonly level: Minutes;
  /** `null`: from the beginning. */
  readonly since: EpochMilliseconds | null;
  /** The largest level that its rows allow, if that is not the largest of all. */
  readonly cap: Minutes | null;
  readonly readsPerMinute: number;
  readonly hitsPerMinute: number;
  readonly changesPerMinute: number;
  readonly rowsPerMinute: number;
  readonly costs: readonly LevelCost[];
}

export interface LevelReportParts {
  readonly meter: LevelMeter;
  readonly table: LevelTable;
  readonly lifetimes: Lifetimes;
  readonly demandsOfOthers: (day: DayNumber) => readonly DayDemand[];
}

export interface LevelReportRange {
  readonly from?: EpochMilliseconds | undefined;
  readonly to?: EpochMilliseconds | undefined;
}

/**
 * The days of [`from`, `to`) that this instance has read lately, oldest first.
 * @throws GatewayError BAD_USER_INPUT if `to` is not after `from`
 */
export function reportLevels(
  { meter, table, lifetimes, demandsOfOthers }: LevelReportParts,
  { from = -Infinity, to = Infinity }: LevelReportRange,
  now: EpochMilliseconds,
): DayLevel[] {
  if (to <= from) throw new GatewayError('BAD_USER_INPUT', '"to" must be later than "from".');
  const days = meter.days.filter((day) => day * DAY < to && (day + 1) * DAY > from).sort((a, b) => a - b);
  return days.map((day) => {
    const { level, since, cap } = table.choiceOf(day);
    const index = meter.grid.levels.indexOf(level);
    const demand = sumOf([meter.demandOf(day), ...demandsOfOthers(day)]);
    return {
      day: isoDay(day * DAY),
      level,
      since: since === 0 ? null : since,
      cap: cap ?? null,
      readsPerMinute: total(demand.reads[index]),
      hitsPerMinute: meter.of(day)?.hitRate ?? 0,
      changesPerMinute: total(demand.changes[index]),
      rowsPerMinute: total(demand.rows) / Math.max(1, demand.rows.length),
      costs: costsOf(meter.grid, { day, demand, now }, { prices: meter.prices, lifetimes }),
    };
  });
}
