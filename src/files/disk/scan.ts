import path from 'node:path';
import type { Bytes, EpochMilliseconds } from '../../units.js';
import { ABANDONED_AFTER, CLAIMS_FOLDER } from './claims.js';
import { ifThere, onDisk, type Disk } from './disk.js';
import { TEMPORARY_FOLDER } from './folder.js';
import type { KeptFile } from './score.js';

/** What `stat` counts in, whatever the file system's blocks are. */
const STAT_BLOCK: Bytes = 512;

export interface Scanned {
  readonly files: readonly KeptFile[];
  /** All that is there takes so much of the disk, files that are being made included. */
  readonly bytes: Bytes;
}

/**
 * All files of the tier in `root`. What dead processes left, temporary files and claims without a sign of life for a
 * minute, is removed. Files that are not the tier's are left alone and not counted.
 * @throws DiskTrouble
 */
export function scan(disk: Disk, root: string, now: EpochMilliseconds): Promise<Scanned> {
  return onDisk(async () => {
    const files: KeptFile[] = [];
    for (const folder of await list(disk, root)) {
      if (/^[0-9a-f]{2}$/.test(folder)) files.push(...(await filesOf(disk, path.join(root, folder))));
    }
    await removeAbandoned(disk, path.join(root, CLAIMS_FOLDER), now);
    const temporary = await removeAbandoned(disk, path.join(root, TEMPORARY_FOLDER), now);
    return { files, bytes: files.reduce((sum, { bytes }) => sum + bytes, temporary) };
  });
}

async function filesOf(disk: Disk, folder: string): Promise<KeptFile[]> {
  const ids = (await list(disk, folder)).filter((name) => /^[0-9a-f]{64}$/.test(name));
  const files = await Promise.all(
    ids.map(async (id) => {
      const stats = await ifThere(disk.stat(path.join(folder, id)));
      return stats && { id, bytes: stats.blocks * STAT_BLOCK, score: stats.mtimeMs, born: stats.birthtimeMs };
    }),
  );
  return files.filter((file) => file !== undefined);
}

/** A time in the future is of a clock that was set back since. @returns what the others take */
async function removeAbandoned(disk: Disk, folder: string, now: EpochMilliseconds): Promise<Bytes> {
  let bytes = 0;
  for (const name of await list(disk, folder)) {
    const stats = await ifThere(disk.stat(path.join(folder, name)));
    if (stats && Math.abs(now - stats.mtimeMs) > ABANDONED_AFTER) await ifThere(disk.unlink(path.join(folder, name)));
    else bytes += (stats?.blocks ?? 0) * STAT_BLOCK;
  }
  return bytes;
}

async function list(disk: Disk, folder: string): Promise<string[]> {
  return (await ifThere(disk.readdir(folder))) ?? [];
}
