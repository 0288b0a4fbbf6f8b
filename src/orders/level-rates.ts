import { MINUTE, SECOND, type Milliseconds } from '../units.js';
import type { DayDemand } from './level-cost.js';
import type { LevelGrid } from './level-grid.js';

/** What is counted together. */
const SLICE: Milliseconds = 20 * SECOND;
/** Rates are those of the newest slices: of so many at least, and of more as long as they hold too few operations. */
const SLICES_MIN = 3;
const SLICES_MAX = 15;
const OPERATIONS_WANTED = 20;

/** What happened to one day in one slice of time. */
class Slice {
  operations = 0;
  visits = 0;
  hits = 0;
  /** `[level][unit]` */
  readonly reads: Uint32Array[];
  readonly changes: Uint32Array[];

  constructor(grid: LevelGrid) {
    const perLevel = () => grid.levels.map((_, index) => new Uint32Array(grid.units(index)));
    this.reads = perLevel();
    this.changes = perLevel();
  }
}

/**
 * What happened to one UTC day of data lately. The window slides in slices and has a sharp end: a fading sum would keep
 * readers alive who are gone, and a tile that is read now and then costs nearly as much as one that is read all the time.
 */
export class DayRates {
  /** Newest first; `undefined`: nothing happened. */
  private slices: (Slice | undefined)[] = [undefined];
  /** How much of the newest slice has passed. */
  private elapsed: Milliseconds = 0;
  /** Orders per minute of data by bucket; NaN: not known. */
  private readonly rows: Float64Array;

  constructor(private readonly grid: LevelGrid) {
    this.rows = new Float64Array(grid.buckets).fill(NaN);
  }

  read(index: number, unit: number, tiles: number): void {
    add(this.newest.reads[index], unit, tiles);
  }

  change(index: number, unit: number): void {
    add(this.newest.changes[index], unit, 1);
  }

  /** @param share of an operation: how much of what it read lies in this day */
  operation(share: number): void {
    this.newest.operations += share;
    this.newest.visits += 1;
  }

  hit(): void {
    this.newest.hits += 1;
  }

  /** A tile of the level at `index` in `unit` holds so many rows. */
  holds(index: number, unit: number, rows: number): void {
    const level = this.grid.levels[index] ?? 1;
    const perUnit = this.grid.unit(index) / this.grid.bucket;
    const share = Math.min(1, level / this.grid.bucket);
    for (let bucket = unit * perUnit; bucket < (unit + 1) * perUnit; bucket += 1) {
      const known = this.rows[bucket] ?? NaN;
      this.rows[bucket] = Number.isNaN(known) ? rows / level : known + (rows / level - known) * share;
    }
  }

  /** `by` has passed since the last call. */
  age(by: Milliseconds): void {
    this.elapsed += by;
    if (this.elapsed < SLICE) return;
    const passed = Math.min(SLICES_MAX, Math.floor(this.elapsed / SLICE));
    this.slices = [...new Array<undefined>(passed).fill(undefined), ...this.slices].slice(0, SLICES_MAX);
    this.elapsed %= SLICE;
  }

  /** Per minute. Rows that are not known are taken to be as those that are. */
  get demand(): DayDemand {
    const { slices, minutes } = this.window;
    const known = this.rows.filter((rows) => !Number.isNaN(rows));
    const mean = known.reduce((sum, rows) => sum + rows, 0) / Math.max(1, known.length);
    const rates = (of: (slice: Slice) => readonly Uint32Array[]) =>
      this.grid.levels.map((_, index) =>
        Array.from({ length: this.grid.units(index) }, (_unit, unit) => {
          return slices.reduce((sum, slice) => sum + (of(slice)[index]?.[unit] ?? 0), 0) / minutes;
        }),
      );
    return {
      operations: slices.reduce((sum, { operations }) => sum + operations, 0) / minutes,
      reads: rates(({ reads }) => reads),
      changes: rates(({ changes }) => changes),
      rows: Array.from(this.rows, (rows) => (Number.isNaN(rows) ? mean : rows)),
    };
  }

  /** Hits per minute, at the levels that were really read. */
  get hitRate(): number {
    const { slices, minutes } = this.window;
    return slices.reduce((sum, { hits }) => sum + hits, 0) / minutes;
  }

  /** How many operations the rates were derived from, whatever their share. */
  get evidence(): number {
    return this.window.slices.reduce((sum, { visits }) => sum + visits, 0);
  }

  private get newest(): Slice {
    return (this.slices[0] ??= new Slice(this.grid));
  }

  private get window(): { readonly slices: readonly Slice[]; readonly minutes: number } {
    let [count, visits] = [0, 0];
    for (const slice of this.slices) {
      if (count >= SLICES_MIN && visits >= OPERATIONS_WANTED) break;
      count += 1;
      visits += slice?.visits ?? 0;
    }
    const past = Math.max(count, SLICES_MIN) - 1;
    const slices = this.slices.slice(0, count).filter((slice) => slice !== undefined);
    return { slices, minutes: (past * SLICE + this.elapsed) / MINUTE };
  }
}

function add(counts: Uint32Array | undefined, at: number, count: number): void {
  if (counts) counts[at] = (counts[at] ?? 0) + count;
}

/** Of the units of a day, all together. */
export function total(values: readonly number[] = []): number {
  return values.reduce((sum, value) => sum + value, 0);
}

/** What all instances together see of a day. Rows are those that the first one knows. */
export function sumOf(all: readonly DayDemand[]): DayDemand {
  const [first] = all;
  const added = (of: (demand: DayDemand) => readonly (readonly number[])[]) =>
    (first ? of(first) : []).map((units, index) =>
      units.map((_, unit) => all.reduce((sum, demand) => sum + (of(demand)[index]?.[unit] ?? 0), 0)),
    );
  return {
    operations: all.reduce((sum, { operations }) => sum + operations, 0),
    reads: added(({ reads }) => reads),
    changes: added(({ changes }) => changes),
    rows: first?.rows ?? [],
  };
}
