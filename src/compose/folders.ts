import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { ConfigError, type Config } from '../config.js';
import { makeFolders } from '../make-folders.js';

/**
 * The folders that `config` needs; the data directory is made if it is missing.
 * @throws ConfigError naming the variable of one that cannot be used
 */
export async function checkFolders({ files, auth, database, dataDir }: Config): Promise<void> {
  if (files.source.kind === 'directory') await checkFolder('FILES_DIR', files.source.root, constants.R_OK | constants.X_OK);
  const isDemo = auth.mode === 'demo' || database.url === undefined || files.source.kind === 'samples';
  if (!isDemo) return;
  await makeFolders(dataDir).catch((error: unknown) => refuse('DATA_DIR', dataDir, error));
  await checkFolder('DATA_DIR', dataDir, constants.R_OK | constants.W_OK | constants.X_OK);
}

async function checkFolder(variable: string, folder: string, mode: number): Promise<void> {
  try {
    if (!(await stat(folder)).isDirectory()) throw new Error('it is not a folder');
    await access(folder, mode);
  } catch (error) {
    refuse(variable, folder, error);
  }
}

function refuse(variable: string, folder: string, error: unknown): never {
  const expected = variable === 'DATA_DIR' ? 'a folder that can be written' : 'a folder that can be read';
  const { code, message } = error as NodeJS.ErrnoException;
  throw new ConfigError(`${variable}: expected ${expected}, but got "${folder}" (${code ?? message})`);
}
