import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MINUTE, type Milliseconds } from '../../../src/units.js';

const PATIENCE: Milliseconds = 15 * MINUTE;
const POLL: Milliseconds = 200;

/** Whether a process with this id exists, whoever owns it. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function ownerOf(lock: string): Promise<number | undefined> {
  const text = await readFile(join(lock, 'pid'), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : Number(text);
}

/** A directory that already holds its owner is renamed into place, so a lock without an owner is never seen. */
async function tryTake(lock: string): Promise<boolean> {
  const candidate = await mkdtemp(join(dirname(lock), `.${basename(lock)}-`));
  await writeFile(join(candidate, 'pid'), String(process.pid));
  try {
    await rename(candidate, lock);
    return true;
  } catch (error) {
    await rm(candidate, { recursive: true, force: true });
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOTEMPTY' || code === 'EEXIST') return false;
    throw error;
  }
}

/**
 * Runs `work` while no other process holds the lock directory at `lock`. A lock whose owner is dead is broken.
 * Two breakers at the same instant can, rarely, both enter: the work must stay correct then, if slower.
 * @throws when a living process holds the lock for more than 15 minutes.
 */
export async function withLock<T>(lock: string, work: () => Promise<T>, say: (line: string) => void): Promise<T> {
  await mkdir(dirname(lock), { recursive: true });
  const deadline = Date.now() + PATIENCE;
  for (let waited = false; !(await tryTake(lock)); waited = true) {
    const owner = await ownerOf(lock);
    if (owner !== undefined && !isAlive(owner)) {
      await rm(lock, { recursive: true, force: true });
      continue;
    }
    if (!waited) say(`waiting for process ${owner ?? '?'}, which holds ${lock}`);
    if (Date.now() > deadline) throw new Error(`process ${owner ?? '?'} still holds ${lock}: end it, or remove that folder`);
    await sleep(POLL);
  }
  try {
    return await work();
  } finally {
    await rm(lock, { recursive: true, force: true });
  }
}
