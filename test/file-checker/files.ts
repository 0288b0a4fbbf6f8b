import { between, type Random } from '../../src/embedded/random.js';
import { KIB, MIB, type Bytes } from '../../src/units.js';
import { FILE_MAX } from './bounds.js';
import type { FileHistory } from './history.js';

/** Bounds of slices, and those below which files are kept in memory and above which they are not kept, with their neighbours. */
const EDGES: readonly Bytes[] = [64 * KIB, 128 * KIB, 256 * KIB, MIB, 2 * MIB, FILE_MAX];
const SMALL: readonly Bytes[] = [1, 2, 7, 100, 4 * KIB, 40_000];
const LARGE: readonly Bytes[] = [300_000, 700_001, 1_500_000, 2_500_003, 4 * MIB - 9, 4 * MIB, 8 * MIB - 5];
/** About which sizes files have. */
export const SIZES: readonly Bytes[] = [...SMALL, ...EDGES.flatMap((edge) => [edge - 1, edge, edge + 1]), ...LARGE];

/** Nothing of them is written yet. */
export function newFiles(random: Random): FileHistory[] {
  return SIZES.map((size, index): FileHistory => {
    const seed = between(random, 1, 2 ** 31);
    return { path: `models/part-${index} of ${size}.bin`, seed, versions: [], busy: false };
  });
}
