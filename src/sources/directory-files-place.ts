import { lstat, mkdir, realpath } from 'node:fs/promises';
import { basename, dirname, join, sep } from 'node:path';
import { GatewayError, quoted, sourceUnavailable } from '../errors.js';
import { FileStoreRefusedError } from '../files/file.js';

/** Holds files that are not whole yet, in the root so that they can be renamed to any place. No path leads into it. */
export const UPLOADS = '.gateway-uploads';

/** The ways in which a file system says that there is no such regular file. */
const MISSING: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'ELOOP', 'ENXIO']);
/** The ways in which it says that there can be none. */
const IMPOSSIBLE: ReadonlySet<string> = new Set([...MISSING, 'EISDIR', 'EEXIST', 'EINVAL', 'EXDEV']);
const REFUSED: ReadonlySet<string> = new Set(['EACCES', 'EPERM', 'EROFS']);

export class NoSuchFile extends Error {}

/** The real root. @throws SOURCE_UNAVAILABLE, as a folder that is not there is no missing file */
export async function realRoot(root: string): Promise<string> {
  return realpath(root).catch((error: unknown) => {
    throw troubleOf(error);
  });
}

/** The real place of a file inside the real folder, so that no link leads out. Both are resolved at every call. */
export async function locate(root: string, path: string): Promise<string> {
  const base = await realRoot(root);
  const real = await realpath(join(base, path));
  if (!isInside(base, real)) throw new NoSuchFile();
  return real;
}

/**
 * The real place where a file may be put; folders that lead there may be missing yet. A link at the place itself is replaced,
 * but not one that leads out of the folder.
 *
 * @throws GatewayError BAD_USER_INPUT if there can be no file
 */
export async function locateNew(root: string, path: string): Promise<string> {
  try {
    const base = await realRoot(root);
    const folder = await foreseen(dirname(join(base, path)), [basename(path)]);
    const place = join(folder, basename(path));
    const there = await lstat(place).catch(ifAbsent);
    if (!isInside(base, place) || there?.isDirectory()) throw new NoSuchFile();
    if (there?.isSymbolicLink() && !isInside(base, await realpath(place))) throw new NoSuchFile();
    return place;
  } catch (error) {
    throw placeError(path, error);
  }
}

/** The real path that `folder` has, or will have when it is made. `below`: names that are to be in it, which must be possible. */
async function foreseen(folder: string, below: readonly string[]): Promise<string> {
  const real = await realpath(folder).catch(ifAbsent);
  if (real !== undefined) {
    for (const name of below) await lstat(join(real, name)).catch(ifAbsent);
    return real;
  }
  const place = join(await foreseen(dirname(folder), [basename(folder), ...below]), basename(folder));
  const there = await lstat(place).catch(ifAbsent);
  // A link that leads nowhere fails. Anything else was made just now.
  return there?.isSymbolicLink() ? realpath(place) : place;
}

/**
 * Makes what is missing of `folder`, a real path, and of what leads there. Every step is checked before anything is made in it.
 * @param made gets the folders that were made, each before those that it is in; also those of a failure
 */
export async function makeFolder(folder: string, made: string[]): Promise<void> {
  const real = await realpath(folder).catch(ifAbsent);
  if (real === undefined) {
    await makeFolder(dirname(folder), made);
    if (await isMade(folder)) made.unshift(folder);
  }
  if ((real ?? (await realpath(folder))) !== folder) throw new NoSuchFile();
}

/** Whether it was not there; also somebody else may have made it. */
async function isMade(folder: string): Promise<boolean> {
  try {
    await mkdir(folder);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/** An error of a write to `path` as the port promises it. */
export function placeError(path: string, error: unknown): Error {
  if (error instanceof GatewayError) return error;
  if (!(error instanceof NoSuchFile) && !IMPOSSIBLE.has(codeOf(error))) return troubleOf(error);
  return new GatewayError('BAD_USER_INPUT', `The file path must be one that the store can keep, but got: ${quoted(path)}`, {
    cause: error,
  });
}

export function isMissing(error: unknown): boolean {
  return error instanceof NoSuchFile || MISSING.has(codeOf(error));
}

export function troubleOf(error: unknown): GatewayError {
  const code = codeOf(error);
  return REFUSED.has(code)
    ? new FileStoreRefusedError(`the folder answered ${code}`, error)
    : sourceUnavailable('file store', error);
}

function isInside(base: string, real: string): boolean {
  const prefix = base.endsWith(sep) ? base : base + sep;
  return real.startsWith(prefix) && real !== prefix + UPLOADS && !real.startsWith(prefix + UPLOADS + sep);
}

function ifAbsent(error: unknown): undefined {
  if (codeOf(error) !== 'ENOENT') throw error;
}

export function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
}
