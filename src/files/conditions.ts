import type { FileMetadata } from './file.js';
import { parseHttpDate } from './http-date.js';

type Validators = Pick<FileMetadata, 'etag' | 'lastModified'>;

/** The conditional headers of one GET or HEAD request, as they arrived. */
export interface ConditionHeaders {
  readonly 'if-match'?: string | undefined;
  readonly 'if-none-match'?: string | undefined;
  readonly 'if-modified-since'?: string | undefined;
  readonly 'if-unmodified-since'?: string | undefined;
}

/**
 * Whether a GET or HEAD of a file that exists is carried out, in the order of RFC 9110 §13.2.2: `If-Match` before
 * `If-Unmodified-Since`, `If-None-Match` before `If-Modified-Since`, the dates only where no entity tag was sent. An
 * invalid date is no condition; an invalid list of entity tags names none.
 *
 * @param others entity tags of other forms of the same version, which count as the version's own
 */
export function evaluateConditions(
  headers: ConditionHeaders,
  file: Validators,
  others: readonly string[] = [],
): 'proceed' | 'not-modified' | 'precondition-failed' {
  if (mustFail(headers, file, others)) return 'precondition-failed';
  return isUnchanged(headers, file, others) ? 'not-modified' : 'proceed';
}

/** The first of these tags that the client says it has, or else the first one. */
export function heldTag(ifNoneMatch: string | undefined, tags: readonly [string, ...string[]]): string {
  const held = entityTags(ifNoneMatch ?? '').map(opaque);
  return tags.find((tag) => held.includes(opaque(tag))) ?? tags[0];
}

/**
 * Whether `If-Range` lets the `Range` header count (RFC 9110 §13.1.5): the same strong entity tag, or exactly the date
 * of last change. Without `If-Range` it always does.
 */
export function ifRangeHolds(header: string | undefined, file: Validators): boolean {
  if (header === undefined) return true;
  const value = header.trim();
  return value.includes('"') ? isStrong(value) && value === file.etag : parseHttpDate(value) === file.lastModified;
}

function mustFail(headers: ConditionHeaders, file: Validators, others: readonly string[]): boolean {
  const ifMatch = headers['if-match'];
  if (ifMatch !== undefined) {
    const strong = [file.etag, ...others].filter(isStrong);
    return !(isAny(ifMatch) || entityTags(ifMatch).some((tag) => strong.includes(tag)));
  }
  const since = dateOf(headers['if-unmodified-since']);
  return since !== undefined && file.lastModified > since;
}

function isUnchanged(headers: ConditionHeaders, file: Validators, others: readonly string[]): boolean {
  const ifNoneMatch = headers['if-none-match'];
  if (ifNoneMatch !== undefined) {
    const current = [file.etag, ...others].map(opaque);
    return isAny(ifNoneMatch) || entityTags(ifNoneMatch).some((tag) => current.includes(opaque(tag)));
  }
  const since = dateOf(headers['if-modified-since']);
  return since !== undefined && file.lastModified <= since;
}

/** Entity tags may hold commas, so the list is matched, not split (RFC 9110 §8.8.3). */
function entityTags(list: string): readonly string[] {
  const wellFormed = /^[\s,]*(?:(?:W\/)?"[^"]*"[\s,]*)+$/.test(list);
  return wellFormed ? (list.match(/(?:W\/)?"[^"]*"/g) ?? []) : [];
}

function isAny(list: string): boolean {
  return list.trim() === '*';
}

function isStrong(etag: string): boolean {
  return !etag.startsWith('W/');
}

function opaque(etag: string): string {
  return etag.replace(/^W\//, '');
}

function dateOf(header: string | undefined): number | undefined {
  return header === undefined ? undefined : parseHttpDate(header.trim());
}
