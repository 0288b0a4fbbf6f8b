import { buffer } from 'node:stream/consumers';
import { FileChangedError, type FileMetadata, type FileSource } from '../files/file.js';
import { sourceUnavailable } from '../errors.js';
import type { Bytes } from '../units.js';
import type { CachedFile } from './entities.js';

const ATTEMPTS = 3;

/**
 * Loads a file as the cache keeps it: metadata, and the bytes of one that has at most `inlineMax`. Both are of one
 * version; a file that is replaced in between is read again.
 */
export function fileFill(source: FileSource, inlineMax: Bytes): (path: string) => Promise<CachedFile | null> {
  return async (path) => {
    for (let attempt = 1; ; attempt += 1) {
      const metadata = await source.head(path);
      if (!metadata || metadata.size > inlineMax) return metadata && { metadata };
      try {
        return await withBytes(source, metadata);
      } catch (error) {
        if (!(error instanceof FileChangedError)) throw error;
        if (attempt === ATTEMPTS) throw sourceUnavailable('file store', error);
      }
    }
  };
}

async function withBytes(source: FileSource, { path, size, etag }: FileMetadata): Promise<CachedFile> {
  const opened = await source.open(path, { ifMatch: etag });
  if (!opened) throw new FileChangedError('the file is gone');
  const bytes = await buffer(opened.body).catch((error: unknown) => {
    throw sourceUnavailable('file store', error);
  });
  if (bytes.length !== size) throw sourceUnavailable('file store', new Error(`expected ${size} bytes, but got: ${bytes.length}`));
  return { metadata: opened.metadata, bytes };
}
