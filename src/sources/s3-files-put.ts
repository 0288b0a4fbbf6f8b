import { buffer } from 'node:stream/consumers';
import type { Readable } from 'node:stream';
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import type { PutOptions } from '../files/file.js';
import { uploadBody } from '../files/upload-body.js';
import { etagOf } from './s3-files-answer.js';
import { putError } from './s3-files-errors.js';

/**
 * One PutObject with a Content-Length, its body streamed and never sent twice. S3 keeps nothing of a request that ends before
 * its announced length.
 *
 * @param beforeLast is waited for before the last bytes are sent, with which the object is replaced; gives the ETag of the
 * version that is there then
 * @returns the ETags of both versions
 */
export async function putObject(
  client: S3Client,
  at: { readonly Bucket: string; readonly Key: string },
  body: Readable,
  { size, contentType, ifMatch, ifNoneMatch, signal }: PutOptions,
  beforeLast: () => Promise<string | null>,
): Promise<{ readonly etag: string; readonly etagBefore: string | null }> {
  const request = new AbortController();
  const stop = (): void => request.abort();
  let etagBefore: string | null | undefined;
  const freeLast = async (): Promise<void> => {
    etagBefore = await beforeLast();
  };
  // The SDK does not notice a body that fails; it would wait for the rest.
  const checked = uploadBody(body, size, freeLast).once('error', stop);
  signal?.addEventListener('abort', stop, { once: true });
  try {
    signal?.throwIfAborted();
    const command = new PutObjectCommand({
      ...at,
      // The head of a request without a body is all of it, so nothing may be sent before the end of the body is seen.
      Body: size === 0 ? await buffer(checked) : checked,
      ContentLength: size,
      ContentType: contentType,
      // Bare: with quotes Ceph compares them too, and never finds its own ETag.
      ...(ifMatch !== undefined && { IfMatch: ifMatch.replaceAll('"', '') }),
      ...(ifNoneMatch !== undefined && { IfNoneMatch: ifNoneMatch }),
    });
    const etag = etagOf(await client.send(command, { abortSignal: request.signal }));
    return { etag, etagBefore: etagBefore ?? null };
  } catch (error) {
    if (checked.errored) throw checked.errored;
    if (signal?.aborted && etagBefore === undefined) throw signal.reason;
    throw putError(error, etagBefore);
  } finally {
    signal?.removeEventListener('abort', stop);
    // Ends also a request that was answered before its body was sent.
    stop();
    checked.destroy();
    body.destroy();
  }
}
