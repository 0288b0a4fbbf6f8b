import { DAY, MINUTE, type EpochMilliseconds, type Milliseconds, type Minutes } from '../units.js';
import type { DayNumber, LevelGrid } from './level-grid.js';

/** What is measured of one UTC day of data, by all instances together; rates are per minute of the clock. */
export interface DayDemand {
  /** Operations that read it; one that reads several days counts in each by its share of minutes. */
  readonly operations: number;
  /** `reads[level][unit]`: tiles that were read, or would have been at that level. */
  readonly reads: readonly (readonly number[])[];
  /** `changes[level][unit]`: tiles whose token was renewed. */
  readonly changes: readonly (readonly number[])[];
  /** Orders per minute of data, in each bucket of the day. */
  readonly rows: readonly number[];
}

/** What things cost: a, b and c of the formula. */
export interface Prices {
  readonly statement: Milliseconds;
  readonly row: Milliseconds;
  readonly lookup: Milliseconds;
}

export interface Lifetimes {
  readonly ttl: Milliseconds;
  /** Of tiles that have not ended yet. */
  readonly freshTtl: Milliseconds;
}

/** Tiles of one unit that are alike: so many, with so many rows each, and so long a life. */
interface Group {
  readonly tiles: number;
  readonly rows: number;
  readonly ttl: Minutes;
}

/**
 * The predicted cost of one day at one level: milliseconds of database and store per minute.
 *
 * The base is (D/W)·[ρΛ/(ρ+Λ)·(a + b·n·W) + ρ·c], for a day of D minutes in tiles of W that are read at the rate ρ and
 * changed at the rate Λ, with n rows per minute. Beyond it
 *  - it is summed over units of about an hour, since reads and changes are not spread evenly over a day;
 *  - ρ and Λ of each level are counted, not scaled: two changes in one hour are one or two tiles of 15 minutes;
 *  - entries also end by their time to live T. A cycle of a tile is its life and the wait for the next read, so it is filled
 *    at the rate 1/(1/ρ + L) with L = E[min(Exp(Λ), T)] = (1 − e^(−ΛT))/Λ, which is ρΛ/(ρ+Λ) for T = ∞;
 *  - what one operation misses is loaded by one statement. With m tiles per operation, each missed with the chance p, an
 *    operation sends a statement with the chance 1 − (1 − p)^m. So a counts per statement, b·n·W per filled tile.
 */
export function costOf(
  grid: LevelGrid,
  index: number,
  { day, demand, now }: { readonly day: DayNumber; readonly demand: DayDemand; readonly now: EpochMilliseconds },
  { prices, lifetimes }: { readonly prices: Prices; readonly lifetimes: Lifetimes },
): Milliseconds {
  const level = grid.levels[index] ?? 0;
  const unit = grid.unit(index);
  const perUnit = unit / grid.bucket;
  let [reads, fills, filledRows] = [0, 0, 0];
  (demand.reads[index] ?? []).forEach((read, at) => {
    if (read === 0) return;
    const rows = demand.rows.slice(at * perUnit, (at + 1) * perUnit).reduce((sum, rate) => sum + rate * grid.bucket, 0);
    const groups = groupsOf({ from: day * DAY + at * unit * MINUTE, minutes: unit, rows }, level, now, lifetimes);
    const tiles = groups.reduce((sum, group) => sum + group.tiles, 0);
    const change = (demand.changes[index]?.[at] ?? 0) / tiles;
    for (const group of groups) {
      const filled = group.tiles * fillRate(read / tiles, change, group.ttl);
      fills += filled;
      filledRows += filled * group.rows;
    }
    reads += read;
  });
  const statements = statementRate(demand.operations, reads, fills);
  return statements * prices.statement + filledRows * prices.row + reads * prices.lookup;
}

/** How often a tile is filled, per minute. @param ttl in minutes */
export function fillRate(reads: number, changes: number, ttl: Minutes): number {
  if (reads === 0) return 0;
  const life = changes > 0 ? -Math.expm1(-changes * ttl) / changes : ttl;
  return 1 / (1 / reads + life);
}

function statementRate(operations: number, reads: number, fills: number): number {
  if (operations === 0 || reads === 0) return fills;
  return Math.min(fills, operations * (1 - (1 - fills / reads) ** Math.max(1, reads / operations)));
}

/**
 * The tiles of a unit by how long they live. Of the unit that contains now, only the tiles that have begun are read, and
 * all its rows lie before now.
 */
function groupsOf(
  { from, minutes, rows }: { readonly from: EpochMilliseconds; readonly minutes: Minutes; readonly rows: number },
  level: Minutes,
  now: EpochMilliseconds,
  { ttl, freshTtl }: Lifetimes,
): Group[] {
  const [long, short] = [ttl / MINUTE, freshTtl / MINUTE];
  const elapsed = (now - from) / MINUTE;
  const all = minutes / level;
  if (elapsed <= 0 || elapsed >= minutes) return [{ tiles: all, rows: rows / all, ttl: elapsed <= 0 ? short : long }];
  const ended = Math.floor(elapsed / level);
  const density = rows / elapsed;
  const current = { tiles: 1, rows: density * (elapsed - ended * level), ttl: short };
  return ended === 0 ? [current] : [{ tiles: ended, rows: density * level, ttl: long }, current];
}
