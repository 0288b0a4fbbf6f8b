import { createHash } from 'node:crypto';

/** Uniform in [0, 1). */
export type Random = () => number;

/** A repeatable sequence of numbers for this seed. */
export function seededRandom(seed: string): Random {
  const digest = createHash('sha256').update(seed).digest();
  return sfc32(digest.readUInt32LE(0), digest.readUInt32LE(4), digest.readUInt32LE(8), digest.readUInt32LE(12));
}

/** A repeatable sequence for this id: what a demo order will go through depends on nothing else. */
export function randomOfUuid(id: string): Random {
  const hex = id.replaceAll('-', '');
  const word = (index: number): number => Number.parseInt(hex.slice(index * 8, index * 8 + 8), 16);
  return sfc32(word(0), word(1), word(2), word(3));
}

/** "Small Fast Counting" generator by Chris Doty-Humphrey (PractRand), 128 bits of state. */
function sfc32(a: number, b: number, c: number, counter: number): Random {
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  };
  for (let round = 0; round < 12; round += 1) next();
  return next;
}

/** A version 4 UUID (RFC 9562), lower-case. */
export function randomUuid(random: Random): string {
  const word = (): string =>
    Math.floor(random() * 2 ** 32)
      .toString(16)
      .padStart(8, '0');
  const hex = word() + word() + word() + word();
  const variant = '89ab'.charAt(Math.floor(random() * 4));
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20)}`;
}

/** @param items not empty */
export function pick<T>(random: Random, items: readonly T[]): T {
  const item = items[Math.floor(random() * items.length)];
  if (item === undefined) throw new RangeError('must pick from a list that is not empty');
  return item;
}

/** A whole number, `least` and `most` included. */
export function between(random: Random, least: number, most: number): number {
  return least + Math.floor(random() * (most - least + 1));
}
