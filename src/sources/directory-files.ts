import { constants, type BigIntStats } from 'node:fs';
import { open, realpath, stat, type FileHandle } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { addAbortSignal } from 'node:stream';
import { sourceUnavailable } from '../errors.js';
import { contentTypeOf } from '../files/content-type.js';
import { descriptorStream } from '../files/descriptor-stream.js';
import { FileChangedError } from '../files/file.js';
import type { ByteRange, FileMetadata, FileSource, OpenedFile, OpenOptions } from '../files/file.js';
import type { Bytes } from '../units.js';

/** O_NONBLOCK: opening a pipe must not wait for its writer. O_NOFOLLOW: the real path was resolved just before. */
const READ_ONLY = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW;

/** The ways in which a file system says that there is no such regular file. */
const MISSING: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'ELOOP', 'ENXIO']);

export interface DirectoryFilesOptions {
  /** The folder; keys are paths below it. */
  readonly root: string;
}

/**
 * A folder as a store of files. Links are followed as long as they stay inside the folder; anything but a regular file
 * does not exist. A version is told by size, times and inode, so a rewrite in place that keeps the size and falls into
 * one tick of the file system's clock (a few milliseconds) goes unseen; replace files by rename to be exact.
 */
export function createDirectoryFiles({ root }: DirectoryFilesOptions): FileSource {
  return {
    head: (path) => orMissing(async () => toMetadata(path, await stat(await locate(root, path), { bigint: true }))),
    open: (path, options = {}) =>
      orMissing(async () => {
        options.signal?.throwIfAborted();
        return openVersion(await open(await locate(root, path), READ_ONLY), path, options);
      }, options.signal),
    presign: () => Promise.resolve(null),
    close: () => Promise.resolve(),
  };
}

/** The real place of a file inside the real folder, so that no link leads out. Both are resolved at every call. */
async function locate(root: string, path: string): Promise<string> {
  const realRoot = await realpath(root).catch((error: unknown) => {
    throw sourceUnavailable('file store', error);
  });
  const real = await realpath(join(realRoot, path));
  if (!real.startsWith(realRoot.endsWith(sep) ? realRoot : realRoot + sep)) throw new NoSuchFile();
  return real;
}

/** Metadata and bytes come from the one descriptor, and it is compared again after the last byte. */
async function openVersion(handle: FileHandle, path: string, options: OpenOptions): Promise<OpenedFile> {
  try {
    const stats = await handle.stat({ bigint: true });
    const metadata = toMetadata(path, stats);
    if (options.ifMatch !== undefined && options.ifMatch !== metadata.etag) throw new FileChangedError();
    options.signal?.throwIfAborted();
    const body = descriptorStream(handle, {
      range: rangeWithin(metadata.size, options.range),
      verify: async () => {
        if (isWritten(stats, await handle.stat({ bigint: true }))) throw new FileChangedError();
      },
    });
    return { metadata, body: options.signal ? addAbortSignal(options.signal, body) : body };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

function rangeWithin(size: Bytes, range: ByteRange | undefined): ByteRange | null {
  if (!range) return size === 0 ? null : { start: 0, end: size - 1 };
  if (range.start >= size) throw new FileChangedError();
  return { start: range.start, end: Math.min(range.end, size - 1) };
}

function toMetadata(path: string, stats: BigIntStats): FileMetadata {
  if (!stats.isFile()) throw new NoSuchFile();
  return {
    path,
    size: Number(stats.size),
    contentType: contentTypeOf(path),
    etag: etagOf(stats),
    lastModified: Math.floor(Number(stats.mtimeMs) / 1000) * 1000,
  };
}

/** The time of the inode's change is in it because a copy may set the time of modification back. */
function etagOf({ size, mtimeNs, ctimeNs, ino }: BigIntStats): string {
  return `"${[size, mtimeNs, ctimeNs, ino].map((part) => part.toString(16)).join('-')}"`;
}

/** Not by `etagOf`: replacing or removing a file changes its inode's time, while the bytes stay as they were. */
function isWritten(before: BigIntStats, after: BigIntStats): boolean {
  return before.size !== after.size || before.mtimeNs !== after.mtimeNs;
}

class NoSuchFile extends Error {}

async function orMissing<T>(read: () => Promise<T>, signal?: AbortSignal): Promise<T | null> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof NoSuchFile || MISSING.has(codeOf(error))) return null;
    signal?.throwIfAborted();
    if (error instanceof FileChangedError) throw error;
    throw sourceUnavailable('file store', error);
  }
}

function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
}
