import type { IncomingHttpHeaders } from 'node:http';
import { evaluateConditions } from '../files/conditions.js';
import { variantTags } from '../files/encoding.js';
import { nameProblem } from '../files/sniff.js';
import type { FileMetadata, PutOptions } from '../files/file.js';
import type { Bytes } from '../units.js';

/** Why an upload is not made, for whoever sent it. */
export interface UploadRefusal {
  readonly status: 400 | 408 | 411 | 412 | 413 | 415;
  readonly message: string;
}

/** What the head of an upload says, or why it is refused before a byte of its body is read. */
export function uploadSize(path: string, headers: IncomingHttpHeaders, most: Bytes): { size: Bytes } | UploadRefusal {
  const size = Number(headers['content-length']);
  const problem = nameProblem(path);
  if (problem) return { status: 415, message: problem };
  if (headers['content-range'] !== undefined) {
    return { status: 400, message: 'A part of a file cannot be uploaded: send the whole file, without "Content-Range".' };
  }
  if (!/^(identity)?$/i.test(headers['content-encoding'] ?? '')) {
    return { status: 415, message: 'The file must be sent as it is, without "Content-Encoding".' };
  }
  if (headers['content-length'] === undefined || headers['transfer-encoding'] !== undefined) {
    return { status: 411, message: 'The header "Content-Length" must say how long the file is.' };
  }
  if (size > most) return { status: 413, message: `The file must have at most ${most} bytes, but has: ${size}.` };
  return { size };
}

/**
 * The demands of a conditional upload (RFC 9110 §13.1) on the file that is there, `null`: none. What holds now must hold still
 * when the new version takes its place, so each condition becomes one on exactly the version that it was found to hold for.
 *
 * @returns `failed`: 412
 */
export function uploadConditions(
  headers: IncomingHttpHeaders,
  current: FileMetadata | null,
): Pick<PutOptions, 'ifMatch' | 'ifNoneMatch'> | 'failed' {
  const { 'if-match': ifMatch, 'if-none-match': ifNoneMatch, 'if-unmodified-since': ifUnmodifiedSince } = headers;
  if (ifMatch === undefined && ifNoneMatch === undefined && ifUnmodifiedSince === undefined) return {};
  if (!current) return ifMatch === undefined ? { ifNoneMatch: '*' } : 'failed';
  const conditions = { 'if-match': ifMatch, 'if-none-match': ifNoneMatch, 'if-unmodified-since': ifUnmodifiedSince };
  return evaluateConditions(conditions, current, variantTags(current.etag)) === 'proceed' ? { ifMatch: current.etag } : 'failed';
}
