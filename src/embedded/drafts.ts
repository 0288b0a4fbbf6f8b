import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { identifyProcess } from './processes.js';

/** Where this process makes `target` before it is renamed into place. */
export function draftOf(target: string): string {
  return `${target}.new-${process.pid}`;
}

/** Removes from `dir` the drafts of processes that no longer run. */
export async function removeOldDrafts(dir: string): Promise<void> {
  for (const name of await readdir(dir)) {
    const pid = /\.new-(\d+)$/.exec(name)?.[1];
    if (pid !== undefined && (await identifyProcess(Number(pid))) === null)
      await rm(path.join(dir, name), { recursive: true, force: true });
  }
}
