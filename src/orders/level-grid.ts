import { DAY, MINUTE, type EpochMilliseconds, type Minutes } from '../units.js';
import { mergeRanges, type Tile, type TimeRange } from './tiles.js';

/** Days since 1970-01-01, in UTC. */
export type DayNumber = number;

/** The UTC day that contains `time`. */
export function dayOf(time: EpochMilliseconds): DayNumber {
  return Math.floor(time / DAY);
}

const DAY_MINUTES: Minutes = DAY / MINUTE;
const HOUR_MINUTES: Minutes = 60;

/** `tiles` tiles of the level at `index` lie in `unit` of `day`. */
export type CountTiles = (index: number, day: DayNumber, unit: number, tiles: number) => void;

/**
 * How finely a day is measured. Reads and changes of tiles are counted in units: one of about an hour, or one tile where
 * tiles are longer. Inside a unit all tiles count as alike.
 */
export class LevelGrid {
  /** The length of the shortest unit, the level that is nearest to an hour. Each level divides it or is divided by it. */
  readonly bucket: Minutes;

  /** @param levels ascending, each divides the next, and the last a day */
  constructor(readonly levels: readonly Minutes[]) {
    const distance = (level: Minutes): number => Math.abs(Math.log(level / HOUR_MINUTES));
    this.bucket = levels.reduce((best, level) => (distance(level) <= distance(best) ? level : best));
  }

  get buckets(): number {
    return DAY_MINUTES / this.bucket;
  }

  /** The length of a unit of the level at `index`. */
  unit(index: number): Minutes {
    return Math.max(this.bucket, this.levels[index] ?? 0);
  }

  /** How many units a day has at the level at `index`. */
  units(index: number): number {
    return DAY_MINUTES / this.unit(index);
  }

  /** The place of a tile; `undefined`: its level is none of these. */
  place({ from, minutes }: Tile): { index: number; day: DayNumber; unit: number } | undefined {
    const index = this.levels.indexOf(minutes);
    if (index < 0) return undefined;
    const day = dayOf(from);
    return { index, day, unit: Math.floor((from - day * DAY) / (this.unit(index) * MINUTE)) };
  }

  /** Counts, for every level, the tiles that a read of all `ranges` together would touch; each tile once. */
  countTiles(ranges: readonly TimeRange[], count: CountTiles): void {
    const merged = mergeRanges(ranges);
    this.levels.forEach((level, index) => {
      let counted = -Infinity;
      for (const { from, to } of merged) {
        const first = Math.max(Math.floor(from / (level * MINUTE)), counted + 1);
        const last = Math.floor((to - 1) / (level * MINUTE));
        this.countRun(index, first, last, count);
        counted = Math.max(counted, last);
      }
    });
  }

  /** Tiles `first` to `last`, counted from 1970, unit by unit. */
  private countRun(index: number, first: number, last: number, count: CountTiles): void {
    const units = this.units(index);
    const inUnit = this.unit(index) / (this.levels[index] ?? 1);
    for (let tile = first; tile <= last;) {
      const unit = Math.floor(tile / inUnit);
      const next = Math.min(last + 1, (unit + 1) * inUnit);
      const day = Math.floor(unit / units);
      count(index, day, unit - day * units, next - tile);
      tile = next;
    }
  }
}
