import type { Bytes } from '../units.js';
import type { ByteRange } from './file.js';

export type RangeRequest =
  | { readonly kind: 'range'; readonly range: ByteRange }
  /** Answered with 416. */
  | { readonly kind: 'unsatisfiable' }
  /** Answered whole, with 200. */
  | { readonly kind: 'ignored' };

const IGNORED: RangeRequest = { kind: 'ignored' };
const UNSATISFIABLE: RangeRequest = { kind: 'unsatisfiable' };

/**
 * What a `Range` header asks of a representation. One range is honoured; several ranges, other units and malformed
 * values are ignored, which RFC 9110 §14.2 allows and which spares the multipart form that no viewer of parts asks for.
 *
 * @param header the header as it arrived, if it did
 * @param size of the whole file
 * @returns a range inside the file, its end cut to the last byte (RFC 9110 §14.1.2)
 */
export function parseRange(header: string | undefined, size: Bytes): RangeRequest {
  const specs = /^bytes=(.*)$/i.exec(header?.trim() ?? '')?.[1]?.split(',') ?? [];
  const [spec, ...others] = specs.map((each) => each.trim()).filter((each) => each !== '');
  const match = /^(\d*)-(\d*)$/.exec(spec ?? '');
  if (!match || others.length > 0) return IGNORED;
  const [, first = '', last = ''] = match;
  if (first === '') return last === '' ? IGNORED : suffix(Number(last), size);
  return last !== '' && Number(last) < Number(first) ? IGNORED : from(Number(first), last, size);
}

function from(start: Bytes, last: string, size: Bytes): RangeRequest {
  if (start >= size) return UNSATISFIABLE;
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1);
  return { kind: 'range', range: { start, end } };
}

/** The end of an empty file is all of it, and no `Content-Range` can say so: hence 200. */
function suffix(length: Bytes, size: Bytes): RangeRequest {
  if (length === 0) return UNSATISFIABLE;
  if (size === 0) return IGNORED;
  return { kind: 'range', range: { start: Math.max(0, size - length), end: size - 1 } };
}
