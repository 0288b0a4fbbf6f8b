import type { OutgoingHttpHeaders } from 'node:http';
import { between, pick, type Random } from '../../src/embedded/random.js';
import type { Bytes, Milliseconds } from '../../src/units.js';
import { currentOf, type FileHistory } from './history.js';

/** What a reader asks for, and how it takes the answer. */
export interface Wish {
  readonly kind: string;
  readonly method: 'GET' | 'HEAD';
  readonly headers: OutgoingHttpHeaders;
  /** What the range means in a file of this size; `undefined`: it begins beyond the end. */
  readonly range?: (size: Bytes) => { readonly start: Bytes; readonly end: Bytes } | undefined;
  readonly ifNoneMatch?: string | undefined;
  readonly ifRange?: string | undefined;
  readonly pause?: Milliseconds;
  readonly leaveAfter?: Bytes;
}

type Ranged = Required<Pick<Wish, 'range'>> & { readonly text: string };

const WHOLE: Wish = { kind: 'whole', method: 'GET', headers: {} };
const SLICE: Bytes = 65_536;

export function wishAny(file: FileHistory, random: Random): Wish {
  const kind = random();
  const size = currentOf(file)?.size ?? 1_000;
  const etag = pick(random, file.versions.slice(-2)).etag;
  if (kind < 0.36) return WHOLE;
  if (kind < 0.62) return ranged('range', anyRange(size, random));
  if (kind < 0.7) return { kind: 'head', method: 'HEAD', headers: {} };
  if (kind < 0.82 && etag !== undefined) {
    return { kind: 'if-none-match', method: 'GET', headers: { 'if-none-match': etag }, ifNoneMatch: etag };
  }
  if (kind < 0.9 && etag !== undefined) {
    const wish = ranged('if-range', anyRange(size, random));
    return { ...wish, headers: { ...wish.headers, 'if-range': etag }, ifRange: etag };
  }
  if (kind < 0.95) return { ...WHOLE, kind: 'slow', pause: between(random, 1, 15) };
  return { ...WHOLE, kind: 'leaves', leaveAfter: between(random, 1, size) };
}

/** What is likely to show a mixture: all of it, or a piece from one slice to the next. */
export function wishNext(file: FileHistory, random: Random): Wish {
  const size = currentOf(file)?.size ?? 1_000;
  return random() < 0.5 ? WHOLE : ranged('range', across(size, random));
}

function ranged(kind: string, { text, range }: Ranged): Wish {
  return { kind, method: 'GET', headers: { range: `bytes=${text}` }, range };
}

function anyRange(size: Bytes, random: Random): Ranged {
  const kind = random();
  if (kind < 0.25) return suffix(between(random, 1, size));
  if (kind < 0.4) return open(between(random, 0, size - 1));
  if (kind < 0.65) return across(size, random);
  const start = between(random, 0, Math.floor(1.02 * size));
  return closed(start, start + between(random, 0, 3 * SLICE));
}

/** From shortly before the bound of a slice to shortly after it, or after the next one. */
function across(size: Bytes, random: Random): Ranged {
  const bound = SLICE * between(random, 0, Math.floor((size - 1) / SLICE));
  const start = Math.max(0, bound - between(random, 0, 300));
  return closed(start, bound + SLICE * between(random, 0, 1) + between(random, 0, 300));
}

function closed(start: Bytes, end: Bytes): Ranged {
  return {
    text: `${start}-${end}`,
    range: (size) => (start < size ? { start, end: Math.min(end, size - 1) } : undefined),
  };
}

function open(start: Bytes): Ranged {
  return { text: `${start}-`, range: (size) => (start < size ? { start, end: size - 1 } : undefined) };
}

function suffix(length: Bytes): Ranged {
  return { text: `-${length}`, range: (size) => ({ start: Math.max(0, size - length), end: size - 1 }) };
}
