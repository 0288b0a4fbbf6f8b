import { ENCODERS, type Coding } from './encoders.js';
import type { FileMetadata } from './file.js';
import { isCompressible } from './content-type.js';
import { GIB, KIB, type Bytes } from '../units.js';

/** Headers are longer than what smaller files would save; larger ones would keep a core busy for too long. */
const SMALLEST: Bytes = KIB;
const LARGEST: Bytes = 4 * GIB;

const ELEMENT = /^\s*([\w!#$%&'*+.^`|~-]+)\s*(?:;\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*)?$/i;

/**
 * The codings that a client takes at least as gladly as the bytes as they are, its favourites first; among equals the
 * better ones (RFC 9110 §12.5.3).
 *
 * @param header `Accept-Encoding` as it arrived, if it did; elements that are malformed count for nothing
 */
export function acceptedCodings(header: string | undefined, available: Iterable<Coding> = ENCODERS.keys()): readonly Coding[] {
  if (header === undefined) return [];
  const weights = new Map<string, number>();
  for (const element of header.split(',')) {
    const [, name = '', weight = '1'] = ELEMENT.exec(element) ?? [];
    if (name !== '') weights.set(name.toLowerCase().replace(/^x-gzip$/, 'gzip'), Number(weight));
  }
  const weightOf = (coding: string): number => weights.get(coding) ?? weights.get('*') ?? 0;
  const least = weights.get('identity') ?? 0;
  return [...available]
    .filter((coding) => weightOf(coding) > 0 && weightOf(coding) >= least)
    .sort((a, b) => weightOf(b) - weightOf(a));
}

/**
 * Whether a file may be sent encoded at all, and so whether answers to requests for it vary by `Accept-Encoding`. A weak
 * ETag does not tell bytes apart, so nothing can be kept under it.
 */
export function isEncodable({ contentType, contentEncoding, etag, size }: FileMetadata): boolean {
  return (
    size >= SMALLEST &&
    size <= LARGEST &&
    contentEncoding === undefined &&
    isCompressible(contentType) &&
    etag.startsWith('"') &&
    etag.endsWith('"')
  );
}

/** The entity tag of an encoded form of the version `etag`: `"5d41402a-gzip"`. Each form needs its own (RFC 9110 §8.8.3.3). */
export function variantTag(etag: string, coding: Coding): string {
  return `${etag.slice(0, -1)}-${coding}"`;
}

/** The tags under which clients may know the version besides its own: whoever sends one of them means that version. */
export function variantTags(etag: string, codings: readonly Coding[] = ['zstd', 'gzip']): readonly string[] {
  return etag.startsWith('W/') ? [] : codings.map((coding) => variantTag(etag, coding));
}
