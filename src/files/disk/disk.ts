import type * as fs from 'node:fs/promises';

/** What the tier needs of a file system: `node:fs/promises`, or a wrapper of it that makes faults. */
export type Disk = Pick<typeof fs, 'open' | 'link' | 'unlink' | 'mkdir' | 'readdir' | 'stat' | 'utimes'>;

/** The disk did not do what it was asked for, whatever the reason: full, read-only, gone, broken. */
export class DiskTrouble extends Error {
  override readonly name = 'DiskTrouble';
  /** Such as `ENOSPC`. */
  readonly code: string;

  constructor(cause: unknown) {
    super('the cache of files cannot use its disk', { cause });
    this.code = codeOf(cause);
  }
}

/** @throws DiskTrouble instead of what `act` throws */
export async function onDisk<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw error instanceof DiskTrouble ? error : new DiskTrouble(error);
  }
}

/** `undefined` if there is no such file or folder. */
export async function ifThere<T>(act: Promise<T>): Promise<T | undefined> {
  try {
    return await act;
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}

export function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : 'unknown';
}
