import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isAlive } from './lock.js';

const PREFIX = 'mes-gateway-test-';
let swept = false;

/** Removes what test runs that were killed left behind: their folders carry their process id. */
function sweep(): void {
  swept = true;
  for (const name of readdirSync(tmpdir())) {
    const owner = name.startsWith(PREFIX) ? Number.parseInt(name.slice(PREFIX.length), 10) : NaN;
    if (!Number.isNaN(owner) && !isAlive(owner)) removeFolder(join(tmpdir(), name));
  }
}

/** A new empty folder, readable by this user only. Give it back with `removeFolder`. */
export function temporaryFolder(): string {
  if (!swept) sweep();
  return mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`));
}

/** Removes a folder with all that is in it; one that another user owns, or in which something is mounted, is left alone. */
export function removeFolder(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EACCES' && code !== 'EPERM' && code !== 'EBUSY') throw error;
  }
}
