import { seededRandom } from '../../src/embedded/random.js';

const LETTERS = Array.from('abcXYZ019_-. /\\"\'{}[]()$@!:#&|=,%\t\n\r\0\u00e9\u202e\u{1f9e8}\ud800');

/** Texts that programs have stumbled over. */
const NASTY = [
  '',
  ' ',
  '\0',
  '../../../etc/passwd',
  '%2e%2e%2f',
  '__proto__',
  'constructor',
  'toString',
  'null',
  'undefined',
  'NaN',
  'true',
  "' or 1=1 --",
  '${7*7}',
  '<script>alert(1)</script>',
  '\ufeff',
  '\ud800',
  '\u202e',
  '9999999999999999999999',
  '-1',
  '1e309',
  '0x10',
  '2025-07-24T15:00Z',
  '2025-02-30T10:00Z',
  '-271821-04-20T00:00:00Z',
  'orders:list:new',
  'token:{orders:2025-07-24}:new',
] as const;

const NUMBERS = [0, -0, 1, -1, 59, 60, 61, 44_640, 44_641, 10_000, 10_001, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), 2 ** 53, 1e308, 0.5];

/** Decisions of one request. */
export class Dice {
  private readonly random: () => number;

  constructor(seed: string) {
    this.random = seededRandom(seed);
  }

  /** A whole number, 0 ≤ n < `end`. */
  below(end: number): number {
    return Math.floor(this.random() * end);
  }

  between(least: number, most: number): number {
    return least + this.below(most - least + 1);
  }

  chance(share: number): boolean {
    return this.random() < share;
  }

  of<T>(all: readonly T[]): T {
    return all[this.below(all.length)] as T;
  }

  /** One of them, each as likely as its weight. */
  weighted<T>(all: readonly (readonly [weight: number, value: T])[]): T {
    let left = this.random() * all.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, value] of all) if ((left -= weight) < 0) return value;
    return all[0]![1];
  }

  times<T>(count: number, make: (index: number) => T): T[] {
    return Array.from({ length: count }, (_, index) => make(index));
  }

  bytes(length: number): Buffer {
    return Buffer.from(this.times(length, () => this.below(256)));
  }

  text(most = 20): string {
    if (this.chance(0.4)) return this.of(NASTY);
    return this.times(this.below(most), () => this.of(LETTERS)).join('');
  }

  number(): number {
    return this.chance(0.7) ? this.of(NUMBERS) : this.between(-100, 100_000);
  }

  /** Anything that JSON can say. */
  json(depth = 3): unknown {
    switch (this.below(depth > 0 ? 7 : 4)) {
      case 0:
        return null;
      case 1:
        return this.chance(0.5);
      case 2:
        return this.number();
      case 3:
        return this.text();
      case 4:
        return this.times(this.below(4), () => this.json(depth - 1));
      default:
        return Object.fromEntries(this.times(this.below(4), () => [this.text(8), this.json(depth - 1)]));
    }
  }

  /** What is left of `bytes` after a few accidents: bytes flipped, left out, doubled, put in, or the end cut. */
  damaged(bytes: Buffer): Buffer {
    let result = bytes;
    for (let left = this.between(1, 3); left > 0; left -= 1) {
      const at = this.below(result.length + 1);
      const to = Math.min(result.length, at + this.between(1, 12));
      const kept = (middle: Buffer, from = to) => Buffer.concat([result.subarray(0, at), middle, result.subarray(from)]);
      const flips = () => Buffer.from(result.subarray(at, to).map((byte) => byte ^ (1 << this.below(8))));
      const accidents = [
        () => kept(flips()),
        () => kept(Buffer.alloc(0)),
        () => kept(result.subarray(at, to), at),
        () => kept(this.bytes(this.between(1, 6)), at),
        () => kept(Buffer.from(this.text()), at),
        () => result.subarray(0, at),
      ];
      result = this.of(accidents)();
    }
    return result;
  }
}
