import { DAY, MINUTE, type EpochMilliseconds, type Minutes } from '../units.js';

/** Half-open: `from` is included, `to` is not. */
export interface TimeRange {
  readonly from: EpochMilliseconds;
  readonly to: EpochMilliseconds;
}

/** An aligned interval of UTC; the unit in which orders are cached. `minutes` divides a day. */
export interface Tile {
  readonly from: EpochMilliseconds;
  readonly minutes: Minutes;
}

export function rangeOf(tile: Tile): TimeRange {
  return { from: tile.from, to: tile.from + tile.minutes * MINUTE };
}

/** The tile of `minutes` that contains `time`. */
export function tileAt(time: EpochMilliseconds, minutes: Minutes): Tile {
  const length = minutes * MINUTE;
  return { from: Math.floor(time / length) * length, minutes };
}

/** The fewest tiles of `minutes` that contain `range`, oldest first. */
export function cover(range: TimeRange, minutes: Minutes): Tile[] {
  const tiles: Tile[] = [];
  for (let { from } = tileAt(range.from, minutes); from < range.to; from += minutes * MINUTE) tiles.push({ from, minutes });
  return tiles;
}

/** `2025-07-24T15:00Z` */
export function isoMinute(time: EpochMilliseconds): string {
  return `${new Date(time).toISOString().slice(0, 16)}Z`;
}

/** The UTC day that contains `time`: `2025-07-24`. */
export function isoDay(time: EpochMilliseconds): string {
  return new Date(Math.floor(time / DAY) * DAY).toISOString().slice(0, 10);
}

/** The fewest ranges that contain exactly the same moments: neighbours and overlapping ones become one. Oldest first. */
export function mergeRanges(ranges: readonly TimeRange[]): TimeRange[] {
  const merged: TimeRange[] = [];
  for (const range of [...ranges].sort((a, b) => a.from - b.from)) {
    const last = merged.at(-1);
    if (last && range.from <= last.to) merged[merged.length - 1] = { from: last.from, to: Math.max(last.to, range.to) };
    else merged.push(range);
  }
  return merged;
}
