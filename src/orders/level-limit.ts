import type { Tile } from './tiles.js';
import type { Clock, Minutes } from '../units.js';
import { dayOf, type DayNumber } from './level-grid.js';
import type { LevelTable } from './level-table.js';

/** A tile that holds more rows than it may. */
export interface Overfull {
  readonly tile: Tile;
  readonly rows: number;
  /** What its day is read at from now on; the level of `tile` where there is no smaller one. */
  readonly level: Minutes;
}

/** So many days whose smallest tiles are over-full are remembered, to be told of once. */
const TOLD_MAX = 1_000;

/** Bounds the rows of a tile: a day with an over-full one falls to the next smaller level, and does not rise again. */
export class TileLimit {
  private readonly told = new Set<DayNumber>();
  private count = 0;

  constructor(
    private readonly table: LevelTable,
    private readonly maxRows: number,
    private readonly clock: Clock,
    private readonly onOverfull: (found: Overfull) => void,
  ) {}

  /** How often a day had to be read at a smaller level for its rows. */
  get falls(): number {
    return this.count;
  }

  check(tile: Tile, rows: number): void {
    if (rows <= this.maxRows) return;
    const day = dayOf(tile.from);
    const smaller = this.table.levels.findLast((level) => level < tile.minutes);
    if (smaller === undefined) {
      this.tell(day, { tile, rows, level: tile.minutes });
      return;
    }
    const { cap = Infinity, level, since } = this.table.choiceOf(day);
    if (cap <= smaller) return;
    const now = this.clock();
    this.table.put(day, { level: Math.min(level, smaller), since: level > smaller ? now : since, cap: smaller }, now);
    this.count += 1;
    this.onOverfull({ tile, rows, level: this.table.levelOf(day) });
  }

  /** Nothing can be done about it, so it is told once a day of data. */
  private tell(day: DayNumber, found: Overfull): void {
    if (this.told.has(day)) return;
    if (this.told.size >= TOLD_MAX) this.told.clear();
    this.told.add(day);
    this.onOverfull(found);
  }
}
