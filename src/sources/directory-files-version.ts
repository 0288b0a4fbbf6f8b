import type { BigIntStats } from 'node:fs';
import { contentTypeOf } from '../files/content-type.js';
import type { FileMetadata } from '../files/file.js';
import { NoSuchFile } from './directory-files-place.js';

/** @throws NoSuchFile of anything but a regular file */
export function toMetadata(path: string, stats: BigIntStats): FileMetadata {
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
export function isWritten(before: BigIntStats, after: BigIntStats): boolean {
  return before.size !== after.size || before.mtimeNs !== after.mtimeNs;
}
