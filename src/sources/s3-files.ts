import { GetObjectCommand, HeadBucketCommand, HeadObjectCommand } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { contentDisposition } from '../files/content-disposition.js';
import { contentTypeOf } from '../files/content-type.js';
import { FileStoreRefusedError } from '../files/file.js';
import type { FileMetadata, FileSource, PutOptions } from '../files/file.js';
import { fileName } from '../files/path.js';
import { Turns } from '../files/turns.js';
import { checkExpiresIn } from '../files/signed-url.js';
import { SECOND } from '../units.js';
import { toMetadata, toOpenedFile } from './s3-files-answer.js';
import { s3Client, s3UploadClient, type S3ClientOptions } from './s3-files-client.js';
import { orMissing } from './s3-files-errors.js';
import { putObject } from './s3-files-put.js';

export interface S3FilesOptions extends S3ClientOptions {
  readonly bucket: string;
}

/**
 * A bucket as a store of files; credentials by the SDK's own chain. The account needs `s3:GetObject`, for uploads
 * `s3:PutObject`, and `s3:ListBucket` as well: without it S3 answers 403 for a key that does not exist, which counts as a
 * failing store here. No request is repeated, and a body that stalls is not noticed: see `resilientFiles`.
 */
export function createS3Files(options: S3FilesOptions): FileSource {
  const client = s3Client(options);
  const uploads = s3UploadClient(options);
  const at = (path: string): { Bucket: string; Key: string } => ({ Bucket: options.bucket, Key: path });
  const turns = new Turns();
  let bucketSeen = false;

  /** The answer to HEAD has no body that could tell a missing bucket from a missing file. */
  const checkBucket = async (signal?: AbortSignal): Promise<void> => {
    if (bucketSeen) return;
    const found = await orMissing(() => client.send(new HeadBucketCommand({ Bucket: options.bucket }), within(signal)), signal);
    if (!found) throw new FileStoreRefusedError(`there is no bucket "${options.bucket}"`);
    bucketSeen = true;
  };

  const head: FileSource['head'] = async (path, { signal } = {}) => {
    const found = await orMissing(() => client.send(new HeadObjectCommand(at(path)), within(signal)), signal);
    if (!found) await checkBucket(signal);
    return found && toMetadata(path, found);
  };

  /** The ETag of what an upload replaces. Where it has a condition, the store sees to it. */
  const versionBefore = async (path: string, { ifMatch, ifNoneMatch }: PutOptions): Promise<string | null> =>
    ifNoneMatch ? null : (ifMatch ?? (await head(path))?.etag ?? null);

  return {
    head,
    async open(path, asked = {}) {
      const { range, ifMatch, signal } = asked;
      signal?.throwIfAborted();
      const command = new GetObjectCommand({
        ...at(path),
        ...(range && { Range: `bytes=${range.start}-${range.end}` }),
        ...(ifMatch !== undefined && { IfMatch: ifMatch }),
      });
      const found = await orMissing(() => client.send(command, within(signal)), signal);
      return found && toOpenedFile(path, found, asked);
    },
    async put(path, body, asked) {
      const { etag, etagBefore } = await turns.during(path, (turn) =>
        putObject(uploads, at(path), body, asked, async () => {
          await turn();
          return versionBefore(path, asked);
        }),
      );
      // The answer to an upload has no Last-Modified. What is asked here no longer decides whether the upload was made.
      const current = await head(path).catch(() => null);
      return { metadata: current?.etag === etag ? current : justWritten(path, etag, asked), etagBefore };
    },
    async presign(path, expiresIn) {
      checkExpiresIn(expiresIn);
      const command = new GetObjectCommand({
        ...at(path),
        ResponseContentDisposition: contentDisposition('attachment', fileName(path)),
      });
      return orMissing(() => getSignedUrl(client, command, { expiresIn }));
    },
    close: () => {
      client.destroy();
      uploads.destroy();
      return Promise.resolve();
    },
  };
}

function within(signal: AbortSignal | undefined): { abortSignal?: AbortSignal } {
  return signal ? { abortSignal: signal } : {};
}

/** Of a version that was replaced before it could be looked at; the time is that of this machine. */
function justWritten(path: string, etag: string, { size, contentType }: PutOptions): FileMetadata {
  const lastModified = Math.floor(Date.now() / SECOND) * SECOND;
  return { path, size, contentType: contentTypeOf(path, contentType), etag, lastModified };
}
