import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { MIB, type Bytes } from '../../src/units.js';
import { BUCKET } from './origin.js';

export interface StoredFile {
  readonly path: string;
  readonly size: Bytes;
  /** Of all bytes, in hexadecimal digits. */
  readonly sha256: string;
}

/** Puts bytes that do not compress where anybody may read them; `keep` gets them too. */
export async function putRandomFile(
  client: S3Client,
  path: string,
  size: Bytes,
  keep: (bytes: Buffer) => void = () => undefined,
): Promise<StoredFile> {
  const bytes = randomBytes(size);
  keep(bytes);
  await client.send(new PutObjectCommand({ ...target(path), Body: bytes }));
  return { path, size, sha256: sha256Of(bytes) };
}

/** A file of `mebibytes` MiB, each MiB alike but for its number. */
export async function putLargeFile(client: S3Client, path: string, mebibytes: number): Promise<{ path: string; size: Bytes }> {
  const block = randomBytes(MIB);
  function* blocks(): Generator<Buffer> {
    for (let index = 0; index < mebibytes; index += 1) {
      const next = Buffer.from(block);
      next.writeUInt32LE(index);
      yield next;
    }
  }
  const size = mebibytes * MIB;
  await client.send(new PutObjectCommand({ ...target(path), Body: Readable.from(blocks()), ContentLength: size }));
  return { path, size };
}

export function sha256Of(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function target(path: string) {
  return { Bucket: BUCKET, Key: path, ACL: 'public-read', ContentType: 'model/stl' } as const;
}
