import { MINUTE, type EpochMilliseconds, type Milliseconds, type Minutes } from '../units.js';

/** The level that a day has, and since when; `since` 0: from the beginning. */
export interface Choice {
  readonly level: Minutes;
  readonly since: EpochMilliseconds;
  /** The largest level that it may have, because a tile of a larger one held too many rows. */
  readonly cap?: Minutes;
}

/** A level, and what a day at that level is predicted to cost: milliseconds per minute. */
export interface LevelCost {
  readonly level: Minutes;
  readonly cost: Milliseconds;
}

/** So much cheaper another level must be: measured rates and prices err by about that much. */
export const GAIN_MIN = 0.1;
/** How long a day stays at a level at least. */
export const DWELL: Milliseconds = MINUTE;
/** Fewer operations than this say nothing yet. */
export const EVIDENCE_MIN = 5;

/**
 * The level that a day should have: of those it may have the cheapest, if that is cheaper than the current one by
 * `GAIN_MIN`, and the day has been at its level for `DWELL`. Otherwise the current one.
 * @param evidence how many operations the costs were derived from
 */
export function choose(costs: readonly LevelCost[], current: Choice, evidence: number, now: EpochMilliseconds): Minutes {
  const { level, since, cap = Infinity } = current;
  const present = costs.find((each) => each.level === level);
  if (!present || evidence < EVIDENCE_MIN || now - since < DWELL) return level;
  const allowed = costs.filter((each) => each.level <= cap);
  const best = allowed.reduce((least, each) => (each.cost < least.cost ? each : least), present);
  return best.cost < present.cost * (1 - GAIN_MIN) ? best.level : level;
}
