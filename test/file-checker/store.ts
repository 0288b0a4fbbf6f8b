import { randomUUID } from 'node:crypto';
import { chownSync, mkdirSync } from 'node:fs';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DeleteObjectCommand, GetObjectCommand, HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { createDirectoryFiles } from '../../src/sources/directory-files.js';
import { within } from '../support/race.js';
import { createBucket, s3Client, s3Environment, type S3Address } from '../support/servers/s3.js';
import { PATIENCE } from './bounds.js';
import { isPlainUser, PLAIN_USER } from './plain-user.js';

export interface Stored {
  readonly etag: string;
  readonly size: number;
}

/** The store of files as its other users have it: past all gateways, and past all faults. */
export interface Store {
  readonly bucket: string;
  /** The settings with which a gateway uses it; at `endpoint`, if it has one. */
  env(endpoint: string | undefined): Record<string, string>;
  /** Replaces the file at once. */
  put(path: string, bytes: Buffer): Promise<void>;
  remove(path: string): Promise<void>;
  /** `undefined`: there is no such file. */
  head(path: string): Promise<Stored | undefined>;
  get(path: string): Promise<Buffer | undefined>;
  close(): void;
}

export async function openS3Store(address: S3Address): Promise<Store> {
  const bucket = `check-${randomUUID()}`;
  await createBucket(address, bucket);
  const client = s3Client(address);
  const answered = <T>(asked: Promise<T>): Promise<T> => within('an answer of the store to the check itself', asked, PATIENCE);
  const at = (path: string) => ({ Bucket: bucket, Key: path });
  return {
    bucket,
    env: (endpoint = address.endpoint) => s3Environment({ ...address, endpoint }, bucket),
    put: async (path, bytes) => {
      await answered(client.send(new PutObjectCommand({ ...at(path), Body: bytes })));
    },
    remove: async (path) => {
      await answered(client.send(new DeleteObjectCommand(at(path))));
    },
    head: (path) =>
      orMissing(async () => {
        const { ETag: etag = '', ContentLength: size = 0 } = await answered(client.send(new HeadObjectCommand(at(path))));
        return { etag, size };
      }),
    get: (path) =>
      orMissing(async () => {
        const { Body } = await answered(client.send(new GetObjectCommand(at(path))));
        return Buffer.from((await Body?.transformToByteArray()) ?? []);
      }),
    close: () => client.destroy(),
  };
}

async function orMissing<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    const { code, $metadata } = error as { code?: string; $metadata?: { httpStatusCode?: number } };
    if (code === 'ENOENT' || $metadata?.httpStatusCode === 404) return undefined;
    throw error;
  }
}

/** Below `folder`, on one file system: what is written lies beside the files first, and takes its place by a rename. */
export function openFolderStore(folder: string): Store & { readonly root: string } {
  const [root, beside] = [join(folder, 'files'), join(folder, 'beside')];
  for (const each of [root, beside]) makeFolder(each);
  const source = createDirectoryFiles({ root });
  let written = 0;
  return {
    root,
    bucket: 'files',
    env: () => ({ FILES_DIR: root }),
    put: async (path, bytes) => {
      const made = join(beside, String((written += 1)));
      await writeFile(made, bytes);
      makeFolder(dirname(join(root, path)));
      await rename(made, join(root, path));
    },
    remove: (path) => rm(join(root, path), { force: true }),
    head: async (path) => (await source.head(path)) ?? undefined,
    get: (path) => orMissing(() => readFile(join(root, path))),
    close: () => undefined,
  };
}

/** For the user that gateways run as. */
export function makeFolder(folder: string): void {
  mkdirSync(folder, { recursive: true });
  if (isPlainUser) return;
  chownSync(folder, PLAIN_USER, PLAIN_USER);
}
