import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Coding } from '../files/encoders.js';
import { acceptedCodings, isEncodable, variantTags } from '../files/encoding.js';
import type { FileMetadata } from '../files/file.js';
import type { Variant } from '../files/variants.js';

/** The forms of one version between which the request's headers choose. */
export interface Forms {
  /** That the client takes rather than the bytes as they are, its favourites first. */
  readonly codings: readonly Coding[];
  /** By which the client may know this version. */
  readonly tags: readonly string[];
}

/**
 * What may be sent to this client. A request with a range is about the bytes as they are, in whatever way it is answered: a
 * part of them must never be joined to a part of an encoded form. `Accept-Encoding` in HTTP/1.0 may come from those who do
 * not know what it means today.
 *
 * @returns `undefined`: the file is never encoded, so its answers do not vary
 */
export function formsFor({ raw, headers }: FastifyRequest, file: FileMetadata): Forms | undefined {
  if (!isEncodable(file)) return undefined;
  const accepted = headers['accept-encoding'];
  if (accepted === undefined || headers.range !== undefined || raw.httpVersionMajor < 1 || raw.httpVersion === '1.0') {
    return { codings: [], tags: [file.etag] };
  }
  const codings = acceptedCodings(accepted);
  return { codings, tags: [file.etag, ...variantTags(file.etag, codings)] };
}

/** The version as it is sent in that form. */
export function encodedFile(file: FileMetadata, { coding, etag, size }: Variant): FileMetadata {
  return { ...file, contentEncoding: coding, etag, size };
}

/** Beside what CORS says. */
export function varyByEncoding(reply: FastifyReply): void {
  const others = reply.getHeader('vary');
  void reply.header('vary', others === undefined ? 'Accept-Encoding' : `${String(others)}, Accept-Encoding`);
}
