import { addAbortSignal, Readable } from 'node:stream';
import { GetObjectCommand, HeadObjectCommand, S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import type { GetObjectCommandOutput, HeadObjectCommandOutput } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { sourceUnavailable } from '../errors.js';
import { contentDisposition } from '../files/content-disposition.js';
import { contentTypeOf } from '../files/content-type.js';
import { FileChangedError } from '../files/file.js';
import type { FileMetadata, FileSource, OpenedFile, OpenOptions } from '../files/file.js';
import { fileName } from '../files/path.js';
import { checkExpiresIn } from '../files/signed-url.js';
import { SECOND, type Bytes, type Milliseconds } from '../units.js';

export interface S3FilesOptions {
  readonly bucket: string;
  /** Of an S3-compatible server; without it, AWS's own. */
  readonly endpoint?: string;
  /** Without it, where the SDK looks for one (`AWS_REGION`, profile). */
  readonly region?: string;
  readonly forcePathStyle?: boolean;
  /** Until a connection stands. */
  readonly connectionTimeout?: Milliseconds;
  /** Until the head of an answer has arrived, per attempt. */
  readonly requestTimeout?: Milliseconds;
  /** Without a single byte in either direction, while a body is read. */
  readonly idleTimeout?: Milliseconds;
  readonly maxAttempts?: number;
  /** Every body that is still being read holds one. */
  readonly maxSockets?: number;
}

/**
 * A bucket as a store of files; credentials by the SDK's own chain. The account needs `s3:GetObject`, and
 * `s3:ListBucket` as well: without it S3 answers 403 for a key that does not exist, which counts as a failing store here.
 */
export function createS3Files(options: S3FilesOptions): FileSource {
  const client = createClient(options);
  const at = (path: string): { Bucket: string; Key: string } => ({ Bucket: options.bucket, Key: path });
  return {
    async head(path) {
      const found = await orMissing(() => client.send(new HeadObjectCommand(at(path))));
      return found && toMetadata(path, found);
    },
    async open(path, { range, ifMatch, signal } = {}) {
      signal?.throwIfAborted();
      const command = new GetObjectCommand({
        ...at(path),
        ...(range && { Range: `bytes=${range.start}-${range.end}` }),
        ...(ifMatch !== undefined && { IfMatch: ifMatch }),
      });
      const found = await orMissing(() => client.send(command, signal && { abortSignal: signal }), signal);
      return (
        found && toOpenedFile(path, found, { ...(range && { range }), ...(ifMatch && { ifMatch }), ...(signal && { signal }) })
      );
    },
    async presign(path, expiresIn) {
      checkExpiresIn(expiresIn);
      const command = new GetObjectCommand({
        ...at(path),
        ResponseContentDisposition: contentDisposition('attachment', fileName(path)),
      });
      return orMissing(() => getSignedUrl(client, command, { expiresIn }));
    },
    close: () => Promise.resolve(client.destroy()),
  };
}

function createClient(options: S3FilesOptions): S3Client {
  const agent = { maxSockets: options.maxSockets ?? 256 };
  return new S3Client({
    ...(options.endpoint !== undefined && { endpoint: options.endpoint }),
    ...(options.region !== undefined && { region: options.region }),
    forcePathStyle: options.forcePathStyle ?? false,
    maxAttempts: options.maxAttempts ?? 2,
    // Servers other than AWS answer the SDK's default checksums with errors.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: options.connectionTimeout ?? 2 * SECOND,
      requestTimeout: options.requestTimeout ?? 5 * SECOND,
      // Without this the SDK only warns.
      throwOnRequestTimeout: true,
      socketTimeout: options.idleTimeout ?? 30 * SECOND,
      httpAgent: agent,
      httpsAgent: agent,
    },
  });
}

function toOpenedFile(path: string, found: GetObjectCommandOutput, { range, ifMatch, signal }: OpenOptions): OpenedFile {
  const body: unknown = found.Body;
  if (!(body instanceof Readable)) throw malformed('a body');
  try {
    const metadata = toMetadata(path, found, totalSize(found, range !== undefined));
    if (ifMatch !== undefined && metadata.etag !== ifMatch) throw new FileChangedError();
    return { metadata, body: signal ? addAbortSignal(signal, body) : body };
  } catch (error) {
    body.destroy();
    throw error;
  }
}

function toMetadata(
  path: string,
  found: HeadObjectCommandOutput | GetObjectCommandOutput,
  size: Bytes | undefined = found.ContentLength,
): FileMetadata {
  const { ETag: etag, LastModified: lastModified } = found;
  if (size === undefined || !etag || !lastModified) throw malformed('Content-Length, ETag and Last-Modified');
  return {
    path,
    size,
    contentType: contentTypeOf(path, found.ContentType),
    etag: etag.endsWith('"') ? etag : `"${etag}"`,
    lastModified: Math.floor(lastModified.getTime() / SECOND) * SECOND,
  };
}

/** `bytes 0-9/1234` is 1234. A server that ignores the range must not pass for one that honoured it. */
function totalSize(found: GetObjectCommandOutput, ranged: boolean): Bytes | undefined {
  if (!ranged) return found.ContentLength;
  const total = /\/(\d+)$/.exec(found.ContentRange ?? '')?.[1];
  if (total === undefined) throw malformed('Content-Range');
  return Number(total);
}

function malformed(expected: string): Error {
  return sourceUnavailable('file store', new Error(`the answer must have ${expected}`));
}

async function orMissing<T>(ask: () => Promise<T>, signal?: AbortSignal): Promise<T | null> {
  try {
    return await ask();
  } catch (error) {
    signal?.throwIfAborted();
    const status = error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
    if (status === 412 || status === 416) throw new FileChangedError();
    // A missing bucket is a mistake in the configuration, not a missing file.
    if (status === 404 && !(error instanceof Error && error.name === 'NoSuchBucket')) return null;
    throw sourceUnavailable('file store', error);
  }
}
