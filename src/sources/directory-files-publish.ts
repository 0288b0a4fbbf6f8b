import { link, open, rename, rm, rmdir, stat, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { FileChangedError, PutUnconfirmedError } from '../files/file.js';
import type { PutOptions, PutResult } from '../files/file.js';
import { codeOf, isMissing, makeFolder, placeError, troubleOf } from './directory-files-place.js';
import { toMetadata } from './directory-files-version.js';

/** A file that is whole, and the real place where it belongs. */
export interface Written {
  readonly path: string;
  readonly place: string;
  readonly file: string;
  readonly handle: FileHandle;
}

/** Moves a file to its place. When it rejects with anything but PutUnconfirmedError, nothing was made and nothing replaced. */
export async function publish(written: Written, options: PutOptions): Promise<PutResult> {
  const { path, place, file, handle } = written;
  const etagBefore = await checkVersion(path, place, options);
  const made = await move(written, options);
  try {
    // Before the version is told: to remove a name changes the inode's time.
    await rm(file, { force: true });
    for (const each of [place, ...made]) await syncFolder(dirname(each));
    return { metadata: toMetadata(path, await handle.stat({ bigint: true })), etagBefore };
  } catch (error) {
    throw new PutUnconfirmedError(error, etagBefore);
  }
}

/** @returns the ETag of the file that is there, `null`: there is none. @throws FileChangedError if it is not as `options` demand */
export async function checkVersion(path: string, place: string, { ifMatch, ifNoneMatch }: PutOptions): Promise<string | null> {
  const current = await versionAt(path, place);
  if (ifNoneMatch ? current !== null : ifMatch !== undefined && current !== ifMatch) throw new FileChangedError();
  return current;
}

async function versionAt(path: string, place: string): Promise<string | null> {
  try {
    return toMetadata(path, await stat(place, { bigint: true })).etag;
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

const ATTEMPTS = 3;

/** @returns the folders that were made for it. If it fails they are removed again, unless somebody else uses them by now. */
async function move({ path, place, file }: Written, { ifNoneMatch }: PutOptions): Promise<string[]> {
  for (let attempt = 1; ; attempt += 1) {
    const made: string[] = [];
    try {
      await makeFolder(dirname(place), made);
      await (ifNoneMatch ? link(file, place) : rename(file, place));
      return made;
    } catch (error) {
      for (const folder of made) await rmdir(folder).catch(() => undefined);
      const code = codeOf(error);
      if (code === 'EEXIST') throw new FileChangedError();
      if (code !== 'ENOENT') throw placeError(path, error);
      // A folder that was there is gone: another upload, which has failed, had made it.
      if (attempt === ATTEMPTS) throw troubleOf(error);
    }
  }
}

/** A name is kept over a loss of power only when its folder is. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
