import { HOUR, type EpochMilliseconds, type Milliseconds } from '../../units.js';

/** In this time a use loses half of its weight. Chosen by simulation: test/file-disk-eviction.test.ts. */
export const HALF_LIFE: Milliseconds = 6 * HOUR;

/**
 * How much a file is worth keeping: the sum of its uses, each of which has weight 1 and loses half of it in each
 * `HALF_LIFE`. It is expressed as the time at which a single use would have the same sum now, so that it does not change
 * while the file is not used, and the files' times of modification can be compared as they are.
 *
 * LRFU: Lee et al., "LRFU: a spectrum of policies that subsumes the LRU and LFU policies", IEEE ToC 50 (2001). A half-life
 * of 0 would be LRU, an endless one LFU.
 *
 * @param score before this use; `-Infinity` of a file that was never used
 */
export function scoreAfterUse(score: EpochMilliseconds, now: EpochMilliseconds, halfLife = HALF_LIFE): EpochMilliseconds {
  return Math.max(score, now) + halfLife * Math.log2(1 + 2 ** (-Math.abs(score - now) / halfLife));
}

/** A file of the tier as it lies in the folder. */
export interface KeptFile {
  readonly id: string;
  readonly bytes: number;
  readonly score: EpochMilliseconds;
  readonly born: EpochMilliseconds;
}

/**
 * Which files go first: those worth least. The newest ones, up to `window` bytes together, go last of all: a newcomer has
 * one use and would always be worth least, and so it gets time to be used again. A sweep over all files runs through the
 * window, and what it leaves there goes before files that are used. The window is that of W-TinyLFU: Einziger, Friedman,
 * Manes, "TinyLFU: a highly efficient cache admission policy", ACM ToS 13 (2017).
 *
 * All processes that see the same files give the same order.
 */
export function evictionOrder(files: readonly KeptFile[], window: number): KeptFile[] {
  const byBirth = [...files].sort((a, b) => b.born - a.born || compare(a.id, b.id));
  let room = window;
  const inWindow = new Set(byBirth.filter(({ bytes }) => (room -= bytes) >= 0));
  const byScore = (a: KeptFile, b: KeptFile): number => a.score - b.score || compare(a.id, b.id);
  const others = files.filter((file) => !inWindow.has(file));
  return [...others.sort(byScore), ...[...inWindow].sort(byScore)];
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
