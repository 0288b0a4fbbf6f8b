import { createHash } from 'node:crypto';
import type { Bytes } from '../../src/units.js';

/** The golden ratio and a constant of MurmurHash3, both odd: multiplied by them modulo 2^32 no two numbers become one. */
const PLACE = 0x9e3779b1;
const VERSION = 0x85ebca6b;
const WORD: Bytes = 4;

/**
 * The bytes of one version of a file: a word of 32 bits at each fourth place, made of the file's seed, the place and the
 * version, so that every whole word of any slice tells its version.
 */
export function contentOf(seed: number, version: number, start: Bytes, end: Bytes): Buffer {
  const first = Math.floor(start / WORD);
  const words = new Uint32Array(Math.ceil(end / WORD) - first);
  const base = seed ^ Math.imul(version, VERSION);
  for (let index = 0; index < words.length; index += 1) words[index] = base ^ Math.imul(first + index, PLACE);
  const from = start - first * WORD;
  return Buffer.from(words.buffer).subarray(from, from + end - start);
}

export function hashOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

const INVERSE = inverseOf(VERSION);

/** By Newton's iteration for inverses modulo 2^32. */
function inverseOf(odd: number): number {
  let inverse = odd;
  for (let round = 0; round < 5; round += 1) inverse = Math.imul(inverse, 2 - Math.imul(odd, inverse));
  return inverse;
}

/** Which version is where: `version 3 at 0–65535, version 4 at 65536–99999`. `start`: the place of the first byte in the file. */
export function describeBytes(seed: number, newest: number, start: Bytes, bytes: Buffer): string {
  const runs: { name: string; from: Bytes; to: Bytes }[] = [];
  for (let offset = (WORD - (start % WORD)) % WORD; offset + WORD <= bytes.length; offset += WORD) {
    const place = start + offset;
    const version = Math.imul(bytes.readUInt32LE(offset) ^ seed ^ Math.imul(place / WORD, PLACE), INVERSE) >>> 0;
    const name = version >= 1 && version <= newest ? `version ${version}` : 'no version';
    const last = runs.at(-1);
    if (last?.name === name) last.to = place + WORD - 1;
    else runs.push({ name, from: place, to: place + WORD - 1 });
  }
  const shown = runs.slice(0, 6).map(({ name, from, to }) => `${name} at ${from}–${to}`);
  return shown.join(', ') + (runs.length > shown.length ? `, and ${runs.length - shown.length} more runs` : '');
}
