import * as fs from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Makes `folder` and what is missing above it; harmless where something has that name already. Node's own `recursive` goes round
 * for ever in a place where nothing can be made, such as /proc (Node 20.20).
 * @throws the error of the file system
 */
export async function makeFolders(folder: string, mode = 0o777, disk: Pick<typeof fs, 'mkdir'> = fs): Promise<void> {
  try {
    await disk.mkdir(folder, { mode });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return;
    if (code !== 'ENOENT' || dirname(folder) === folder) throw error;
    await makeFolders(dirname(folder), mode, disk);
    await disk.mkdir(folder, { mode }).catch((failed: NodeJS.ErrnoException) => {
      if (failed.code !== 'EEXIST') throw failed;
    });
  }
}
