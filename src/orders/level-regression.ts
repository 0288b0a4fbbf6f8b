import type { Milliseconds } from '../units.js';

/** The time that something takes: `fixed`, and `slope` for each unit of what it is about (a row, a tile). */
export interface Line {
  readonly fixed: Milliseconds;
  readonly slope: Milliseconds;
}

/** What the newest sample leaves of the weight of the ones before it. */
const MEMORY = 0.99;

/**
 * A line through measured times, where samples count less the older they are: least squares with exponential forgetting,
 * and a ridge that draws the slope to the one assumed as long as sizes hardly differ.
 */
export class LinearCost {
  private weight = 0;
  private x = 0;
  private y = 0;
  private xx = 0;
  private xy = 0;

  /** @param spread the deviation of sizes from which on they tell more about the slope than `prior` does */
  constructor(
    private readonly prior: Line,
    private readonly spread: number,
  ) {}

  add(size: number, time: Milliseconds): void {
    this.weight = this.weight * MEMORY + 1;
    this.x = this.x * MEMORY + size;
    this.y = this.y * MEMORY + time;
    this.xx = this.xx * MEMORY + size * size;
    this.xy = this.xy * MEMORY + size * time;
  }

  /** Never below 0. */
  get line(): Line {
    if (this.weight === 0) return this.prior;
    const [x, y] = [this.x / this.weight, this.y / this.weight];
    const variance = Math.max(0, this.xx - this.x * x);
    const covariance = this.xy - this.x * y;
    const ridge = this.spread * this.spread;
    const slope = Math.max(0, (covariance + ridge * this.prior.slope) / (variance + ridge));
    const fixed = y - slope * x;
    return fixed < 0 ? { fixed: 0, slope: y / x } : { fixed, slope };
  }
}
