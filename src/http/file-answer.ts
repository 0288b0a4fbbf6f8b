import type { IncomingHttpHeaders } from 'node:http';
import { evaluateConditions, heldTag, ifRangeHolds } from '../files/conditions.js';
import { contentDisposition } from '../files/content-disposition.js';
import { opensInline } from '../files/content-type.js';
import type { ByteRange, FileMetadata } from '../files/file.js';
import { httpDate } from '../files/http-date.js';
import { fileName } from '../files/path.js';
import { parseRange } from '../files/range.js';
import type { Seconds } from '../units.js';

/** How a request for a file that exists is answered. */
export type FileAnswer =
  | { readonly status: 200 }
  | { readonly status: 206; readonly range: ByteRange }
  | { readonly status: 304; readonly etag: string }
  | { readonly status: 412 }
  | { readonly status: 416 };

/**
 * Conditions come first, then the range, which counts for GET only (RFC 9110 §13.2.2 and §14.2). A 304 names the form that
 * the client has, because it is that one which the client may go on using (RFC 9111 §4.3.4).
 *
 * @param file in the form that would be sent
 * @param others entity tags of other forms of the same version that this client takes
 */
export function fileAnswer(
  method: string,
  headers: IncomingHttpHeaders,
  file: FileMetadata,
  others: readonly string[] = [],
): FileAnswer {
  const verdict = evaluateConditions(headers, file, others);
  if (verdict === 'not-modified') return { status: 304, etag: heldTag(headers['if-none-match'], [file.etag, ...others]) };
  if (verdict === 'precondition-failed') return { status: 412 };
  if (method !== 'GET' || !ifRangeHolds(single(headers['if-range']), file)) return { status: 200 };
  const asked = parseRange(headers.range, file.size);
  if (asked.kind === 'unsatisfiable') return { status: 416 };
  return asked.kind === 'range' ? { status: 206, range: asked.range } : { status: 200 };
}

/**
 * The headers of an answer. `Cache-Control: private, no-cache`: a shared cache must not hand one viewer's file to
 * another, and a browser asks before each use, so that a replaced file and a withdrawn permission show at once; thanks
 * to the `ETag` the question costs a 304.
 */
export function fileHeaders(file: FileMetadata, answer: FileAnswer): Record<string, string> {
  const validators = {
    etag: answer.status === 304 ? answer.etag : file.etag,
    'last-modified': httpDate(file.lastModified),
    'cache-control': 'private, no-cache',
    'accept-ranges': 'bytes',
  };
  if (answer.status === 412 || answer.status === 416) return refusalHeaders(file, answer);
  if (answer.status === 304) return validators;
  return {
    ...validators,
    'content-type': file.contentType,
    ...(file.contentEncoding !== undefined && { 'content-encoding': file.contentEncoding }),
    'content-length': String(lengthOf(file, answer)),
    'content-disposition': contentDisposition(opensInline(file.contentType) ? 'inline' : 'attachment', fileName(file.path)),
    'x-content-type-options': 'nosniff',
    ...(answer.status === 206 && { 'content-range': `bytes ${answer.range.start}-${answer.range.end}/${file.size}` }),
  };
}

/** The number of bytes in the body of a 200 or 206. */
export function lengthOf(file: FileMetadata, answer: FileAnswer): number {
  return answer.status === 206 ? answer.range.end - answer.range.start + 1 : file.size;
}

function refusalHeaders(file: FileMetadata, answer: FileAnswer): Record<string, string> {
  return answer.status === 416 ? { 'content-range': `bytes */${file.size}` } : {};
}

const CACHE_NAME = 'mes-gateway';

/** What each outcome of a read is in the words of RFC 9211. */
const CACHE_STATUS: ReadonlyMap<string, string> = new Map([
  ['hit-memory', 'hit'],
  ['hit-store', 'hit'],
  ['hit-disk', 'hit'],
  ['stale', 'hit'],
  ['filled', 'fwd=miss; stored'],
  ['joined', 'fwd=miss; collapsed'],
  ['awaited', 'fwd=miss; collapsed'],
  ['reused', 'hit'],
  ['bypassed', 'fwd=bypass'],
  ['streamed', 'fwd=miss'],
]);

/**
 * A `Cache-Status` member (RFC 9211 §2): `mes-gateway; hit; detail=hit-memory`.
 *
 * @param outcome a word of the cache's vocabulary; one not known here counts as a miss
 * @param ttl for how long the entry is still fresh
 */
export function cacheStatus(outcome: string, ttl?: Seconds): string {
  const detail = /^[a-z][a-z0-9-]*$/.test(outcome) ? [`detail=${outcome}`] : [];
  const freshness = ttl === undefined ? [] : [`ttl=${Math.floor(ttl)}`];
  return [CACHE_NAME, CACHE_STATUS.get(outcome) ?? 'fwd=miss', ...freshness, ...detail].join('; ');
}

/** Whether an outcome means that the bytes were here before they were asked for. */
export function isHit(outcome: string): boolean {
  return CACHE_STATUS.get(outcome) === 'hit';
}

function single(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header.join(', ') : header;
}
