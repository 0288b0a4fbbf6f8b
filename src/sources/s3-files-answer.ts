import { addAbortSignal, Readable } from 'node:stream';
import type { GetObjectCommandOutput, HeadObjectCommandOutput } from '@aws-sdk/client-s3';
import { sourceUnavailable } from '../errors.js';
import { contentEncodingOf, contentTypeOf } from '../files/content-type.js';
import { FileChangedError } from '../files/file.js';
import type { ByteRange, FileMetadata, OpenedFile, OpenOptions } from '../files/file.js';
import { SECOND, type Bytes } from '../units.js';

/** @throws FileChangedError for another version than `ifMatch`; SOURCE_UNAVAILABLE for an answer to another question */
export function toOpenedFile(path: string, found: GetObjectCommandOutput, { range, ifMatch, signal }: OpenOptions): OpenedFile {
  const body: unknown = found.Body;
  if (!(body instanceof Readable)) throw malformed('a body');
  try {
    const metadata = toMetadata(path, found, range ? totalSize(found, range) : wholeSize(found));
    if (ifMatch !== undefined && metadata.etag !== ifMatch) throw new FileChangedError();
    return { metadata, body: signal ? addAbortSignal(signal, body) : body };
  } catch (error) {
    // What is still on its way may fail as well.
    body.on('error', () => undefined).destroy();
    throw error;
  }
}

export function toMetadata(
  path: string,
  found: HeadObjectCommandOutput | GetObjectCommandOutput,
  size: Bytes | undefined = found.ContentLength,
): FileMetadata {
  const { LastModified: lastModified } = found;
  if (size === undefined || !lastModified) throw malformed('Content-Length and Last-Modified');
  const contentEncoding = contentEncodingOf(found.ContentEncoding);
  return {
    path,
    size,
    contentType: contentTypeOf(path, found.ContentType),
    ...(contentEncoding !== undefined && { contentEncoding }),
    etag: etagOf(found),
    lastModified: Math.floor(lastModified.getTime() / SECOND) * SECOND,
  };
}

/** In its HTTP form; some servers leave out the quotes. */
export function etagOf({ ETag: etag }: { ETag?: string | undefined }): string {
  if (!etag) throw malformed('ETag');
  return etag.endsWith('"') ? etag : `"${etag}"`;
}

function wholeSize({ ContentRange, ContentLength }: GetObjectCommandOutput): Bytes | undefined {
  if (ContentRange !== undefined) throw malformed('no Content-Range, as none was asked for');
  return ContentLength;
}

/** `bytes 0-9/1234` is 1234. A server that ignores the range, or gives another one, must not pass for one that honoured it. */
function totalSize({ ContentRange, ContentLength }: GetObjectCommandOutput, { start, end }: ByteRange): Bytes {
  const [, first, last, size] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(ContentRange ?? '') ?? [];
  const total = Number(size);
  const expectedEnd = Math.min(end, total - 1);
  if (Number(first) !== start || Number(last) !== expectedEnd) throw malformed(`the Content-Range of bytes ${start} to ${end}`);
  if (ContentLength !== undefined && ContentLength !== expectedEnd - start + 1)
    throw malformed('the Content-Length of its range');
  return total;
}

function malformed(expected: string): Error {
  return sourceUnavailable('file store', new Error(`the answer must have ${expected}`));
}
