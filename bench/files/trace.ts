import { seededRandom, type Random } from '../../src/embedded/random.js';
import { KIB, MIB, type Bytes } from '../../src/units.js';
import { zipf } from '../support/numbers.js';

export const FILES = 400;
/** The most popular ones: a twentieth, nearly half of all requests. */
export const HOT = FILES / 20;
const LEAST: Bytes = 64 * KIB;
const MOST: Bytes = 4 * MIB;

/** Requests by index of the file; the most popular file is 0. */
export interface Trace {
  /** Sizes by index, evenly spread over their logarithm and not tied to popularity. */
  readonly sizes: readonly Bytes[];
  readonly before: readonly number[];
  /** Every file once, in any order. */
  readonly sweep: readonly number[];
  readonly after: readonly number[];
}

/** The same for the same seed. */
export function createTrace(seed: string, requests: number): Trace {
  const random = seededRandom(seed);
  const sizes = Array.from({ length: FILES }, () => Math.round(LEAST * (MOST / LEAST) ** random()));
  const pick = zipf(FILES, random);
  const half = requests >> 1;
  return {
    sizes,
    before: Array.from({ length: half }, pick),
    sweep: shuffled(FILES, random),
    after: Array.from({ length: requests - half }, pick),
  };
}

/** 0 … count − 1 in any order (Fisher–Yates). */
function shuffled(count: number, random: Random): number[] {
  const order = Array.from({ length: count }, (_, index) => index);
  for (let last = count - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    [order[last], order[other]] = [order[other]!, order[last]!];
  }
  return order;
}
