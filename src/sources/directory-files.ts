import { constants } from 'node:fs';
import { open, stat, type FileHandle } from 'node:fs/promises';
import { addAbortSignal } from 'node:stream';
import { GatewayError } from '../errors.js';
import { descriptorStream } from '../files/descriptor-stream.js';
import { FileChangedError } from '../files/file.js';
import type { ByteRange, FileSource, OpenedFile, OpenOptions } from '../files/file.js';
import type { Bytes } from '../units.js';
import { isMissing, locate, troubleOf } from './directory-files-place.js';
import { DirectoryUploads } from './directory-files-put.js';
import { isWritten, toMetadata } from './directory-files-version.js';

/** O_NONBLOCK: opening a pipe must not wait for its writer. O_NOFOLLOW: the real path was resolved just before. */
const READ_ONLY = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW;

export interface DirectoryFilesOptions {
  /** The folder; keys are paths below it. */
  readonly root: string;
}

/**
 * A folder as a store of files. Links are followed as long as they stay inside the folder; anything but a regular file
 * does not exist. A version is told by size, times and inode, so a rewrite in place that keeps the size and falls into
 * one tick of the file system's clock (a few milliseconds) goes unseen; replace files by rename to be exact.
 *
 * An upload is written to `.gateway-uploads` in the folder, which cannot be read as files, and renamed to its place. So a
 * folder with other file systems mounted below it takes no uploads there. `ifMatch` of an upload is exact among uploads of
 * this process; another program may replace the file between the check and the rename. `ifNoneMatch` is exact.
 */
export function createDirectoryFiles({ root }: DirectoryFilesOptions): FileSource {
  const uploads = new DirectoryUploads(root);
  return {
    head: (path, { signal } = {}) =>
      orMissing(async () => {
        signal?.throwIfAborted();
        return toMetadata(path, await stat(await locate(root, path), { bigint: true }));
      }, signal),
    open: (path, options = {}) =>
      orMissing(async () => {
        options.signal?.throwIfAborted();
        return openVersion(await open(await locate(root, path), READ_ONLY), path, options);
      }, options.signal),
    put: (path, body, options) => uploads.put(path, body, options),
    presign: () => Promise.resolve(null),
    close: () => uploads.close(),
  };
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

async function orMissing<T>(read: () => Promise<T>, signal?: AbortSignal): Promise<T | null> {
  try {
    return await read();
  } catch (error) {
    if (isMissing(error)) return null;
    signal?.throwIfAborted();
    throw error instanceof FileChangedError || error instanceof GatewayError ? error : troubleOf(error);
  }
}
