import type { Milliseconds } from '../units.js';
import type { DayDemand, Prices } from './level-cost.js';
import type { DayNumber, LevelGrid } from './level-grid.js';
import { DayRates } from './level-rates.js';
import { LinearCost } from './level-regression.js';
import { tileOfTokenKey } from './keys.js';
import type { Tile, TimeRange } from './tiles.js';

/** The most days that are measured; the one that was read longest ago is forgotten first. */
const DAYS_MAX = 400;

/** Assumed until something was measured: a near database and a near store. */
const LOAD_PRIOR = { fixed: 2, slope: 0.005 };
const LOAD_SPREAD = 50;
const LOOKUP_PRIOR = { fixed: 0.3, slope: 0.007 };
const LOOKUP_SPREAD = 10;

/** Measures what decides about levels: who reads what, what changes, how much there is of it, and what it costs. */
export class LevelMeter {
  private readonly rates = new Map<DayNumber, DayRates>();
  private readonly load = new LinearCost(LOAD_PRIOR, LOAD_SPREAD);
  private readonly lookup = new LinearCost(LOOKUP_PRIOR, LOOKUP_SPREAD);
  private latest: { readonly day: DayNumber; readonly rates: DayRates } | undefined;

  constructor(readonly grid: LevelGrid) {}

  /** One operation has read all `ranges`. */
  wanted(ranges: readonly TimeRange[]): void {
    const minutes = new Map<DayNumber, number>();
    let total = 0;
    this.grid.countTiles(ranges, (index, day, unit, tiles) => {
      this.ratesOf(day).read(index, unit, tiles);
      if (index > 0) return;
      minutes.set(day, (minutes.get(day) ?? 0) + tiles);
      total += tiles;
    });
    for (const [day, part] of minutes) this.ratesOf(day).operation(part / total);
  }

  /** `tile` was answered with so many rows. */
  answered(tile: Tile, rows: number, isHit: boolean): void {
    const place = this.grid.place(tile);
    if (!place) return;
    const rates = this.ratesOf(place.day);
    if (isHit) rates.hit();
    rates.holds(place.index, place.unit, rows);
  }

  /** The tokens under these keys were renewed: those of tiles count, in days that somebody reads. */
  renewed(tokenKeys: readonly string[]): void {
    for (const key of tokenKeys) {
      const tile = tileOfTokenKey(key);
      const place = tile && this.grid.place(tile);
      if (place) this.rates.get(place.day)?.change(place.index, place.unit);
    }
  }

  /** A statement took this long and brought so many rows. */
  loaded(rows: number, time: Milliseconds): void {
    this.load.add(rows, time);
  }

  /** A read that found so many tiles in memory, and their tokens in the store, took this long. */
  lookedUp(tiles: number, time: Milliseconds): void {
    this.lookup.add(tiles, time);
  }

  get prices(): Prices {
    const { fixed: statement, slope: row } = this.load.line;
    return { statement, row, lookup: this.lookup.line.slope };
  }

  /** `by` has passed since the last call. */
  age(by: Milliseconds): void {
    for (const rates of this.rates.values()) rates.age(by);
  }

  /** The days that are measured, least recently read first. */
  get days(): readonly DayNumber[] {
    return [...this.rates.keys()];
  }

  /** What this instance sees of a day that is measured. */
  demandOf(day: DayNumber): DayDemand {
    return (this.rates.get(day) ?? new DayRates(this.grid)).demand;
  }

  of(day: DayNumber): DayRates | undefined {
    return this.rates.get(day);
  }

  private ratesOf(day: DayNumber): DayRates {
    // Nearly all tiles in a row are of one day.
    if (this.latest?.day === day) return this.latest.rates;
    const rates = this.rates.get(day) ?? new DayRates(this.grid);
    this.rates.delete(day);
    this.rates.set(day, rates);
    const [oldest] = this.rates.keys();
    if (this.rates.size > DAYS_MAX && oldest !== undefined) this.rates.delete(oldest);
    this.latest = { day, rates };
    return rates;
  }
}
