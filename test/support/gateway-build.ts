import { readdir, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withLock } from './servers/lock.js';
import { tryRun } from './servers/run.js';

export const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../..');

let built: Promise<void> | undefined;

/** Once in a jest worker: compiles `src` into `dist` when a source is newer than the last build. One process at a time builds. */
export function ensureBuilt(): Promise<void> {
  return (built ??= build());
}

async function build(): Promise<void> {
  const marker = join(ROOT, 'dist/.built-for-tests');
  const isCurrent = async (): Promise<boolean> => {
    const sources = [await newest(join(ROOT, 'src')), await modified(join(ROOT, 'tsconfig.json'))];
    const made = Math.max(await modified(marker), await modified(join(ROOT, 'dist/main.js')));
    return (await modified(join(ROOT, 'dist/main.js'))) > 0 && made > Math.max(...sources);
  };
  if (await isCurrent()) return;
  const build = async (): Promise<void> => {
    if (await isCurrent()) return;
    const started = new Date();
    const args = ['-p', 'tsconfig.build.json', '--incremental', '--tsBuildInfoFile', 'dist/.tsbuildinfo'];
    // A type error does not keep tsc from writing; it is for `npm run typecheck` to find.
    const { stdout } = await tryRun(process.execPath, ['node_modules/typescript/bin/tsc', ...args], { cwd: ROOT });
    if ((await modified(join(ROOT, 'dist/main.js'))) === 0) throw new Error(`the gateway could not be built:\n${stdout}`);
    await writeFile(marker, '');
    // What was saved while the compiler ran is newer than this.
    await utimes(marker, started, started);
  };
  await withLock(join(ROOT, '.servers/build.lock'), build, () => undefined);
}

async function newest(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true });
  return Math.max(...(await Promise.all(names.map((name) => modified(join(folder, name))))));
}

/** 0: there is no such file. */
function modified(file: string): Promise<number> {
  return stat(file).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  );
}
