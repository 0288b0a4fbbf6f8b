import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { MINUTE } from '../../src/units.js';

const PACKAGES = join(import.meta.dirname, 'packages');
const ROOT = join(import.meta.dirname, '../..');
const PATIENCE = 5 * MINUTE;

/**
 * Installs what `packages/package-lock.json` names, once, below the project's own `node_modules`: what is not there Node
 * looks for further up, so suite and gateway have the same `graphql`, jest and Apollo Server.
 * @returns the folder of modules @throws with what npm said
 */
export function installSuite(say: (line: string) => void): string {
  const folder = join(ROOT, 'node_modules/.cache', `apollo-suite-${fingerprint()}`);
  const modules = join(folder, 'node_modules');
  if (existsSync(folder)) return modules;
  say(`installing the suite into ${folder}`);
  const making = `${folder}.${process.pid}`;
  try {
    mkdirSync(making, { recursive: true });
    cpSync(PACKAGES, making, { recursive: true });
    cpSync(join(ROOT, '.npmrc'), join(making, '.npmrc'));
    runNpm(making);
    // The suite asks for one of exactly its own version; what it is to test is the gateway's.
    rmSync(join(making, 'node_modules/@apollo/server'), { recursive: true });
    if (!existsSync(folder)) renameSync(making, folder);
  } finally {
    rmSync(making, { recursive: true, force: true });
  }
  return modules;
}

function fingerprint(): string {
  const hash = createHash('sha256');
  for (const file of ['package.json', 'package-lock.json']) hash.update(readFileSync(join(PACKAGES, file)));
  return hash.digest('hex').slice(0, 12);
}

/** Without peers, which the project has. `npm run -s` would silence the reason of a failure too. */
function runNpm(folder: string): void {
  const options = ['--prefix', folder, '--legacy-peer-deps', '--ignore-scripts', '--loglevel', 'error'];
  const { status, stderr, error } = spawnSync('npm', ['ci', ...options], {
    cwd: folder,
    encoding: 'utf8',
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: PATIENCE,
  });
  if (status !== 0) throw new Error(`npm ci: ${error?.message ?? stderr.trim()}`);
}
