import { buffer } from 'node:stream/consumers';
import { FileChangedError, type FileMetadata, type FileSource } from '../files/file.js';
import { GatewayError, sourceUnavailable } from '../errors.js';
import { systemTime } from '../time.js';
import { SECOND, type Bytes, type Clock, type EpochMilliseconds, type Milliseconds } from '../units.js';
import type { CachedFile } from './entities.js';

const ATTEMPTS = 3;
/** A folder tells versions by time: of one that was read so soon after its change, the next one may look the same. */
const SETTLING: Milliseconds = 2 * SECOND;

/**
 * Loads a file as the cache keeps it: metadata, and the bytes of one that has at most `inlineMax`. Both are of one
 * version; a file that is replaced in between is read again.
 *
 * @param former what was kept before, possibly out of date: bytes of the version that the store has now are not read again
 */
export type FileFill = (path: string, former: () => CachedFile | null | undefined) => Promise<CachedFile | null>;

export function fileFill(source: Pick<FileSource, 'head' | 'open'>, inlineMax: Bytes, clock: Clock = systemTime.now): FileFill {
  return async (path, former) => {
    for (let attempt = 1; ; attempt += 1) {
      const metadata = await source.head(path);
      if (!metadata || metadata.size > inlineMax) return metadata && { metadata };
      const kept = former();
      if (kept && isStill(kept, metadata)) return { ...kept, metadata };
      try {
        return await withBytes(source, metadata, clock());
      } catch (error) {
        if (!(error instanceof FileChangedError)) throw error;
        if (attempt === ATTEMPTS) throw sourceUnavailable('file store', error);
      }
    }
  };
}

/** Whether `kept` has the bytes of this version. A weak ETag (RFC 9110 §8.8.1) does not tell bytes apart. */
function isStill({ metadata, bytes, readAt = 0 }: CachedFile, { etag, size }: FileMetadata): boolean {
  if (metadata.etag !== etag || etag.startsWith('W/')) return false;
  return bytes?.length === size && readAt - metadata.lastModified >= SETTLING;
}

async function withBytes(
  source: Pick<FileSource, 'open'>,
  { path, size, etag }: FileMetadata,
  readAt: EpochMilliseconds,
): Promise<CachedFile> {
  const opened = await source.open(path, { ifMatch: etag });
  if (!opened) throw new FileChangedError('the file is gone');
  const bytes = await buffer(opened.body).catch((error: unknown) => {
    throw error instanceof FileChangedError || error instanceof GatewayError ? error : sourceUnavailable('file store', error);
  });
  if (bytes.length !== size) throw sourceUnavailable('file store', new Error(`expected ${size} bytes, but got: ${bytes.length}`));
  return { metadata: opened.metadata, bytes, readAt };
}
