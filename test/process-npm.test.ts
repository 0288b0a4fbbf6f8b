import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { once } from 'node:events';
import { ROOT } from './support/gateway-build.js';
import { until } from './support/race.js';
import { removeFolder, temporaryFolder } from './support/servers/temporary.js';

/** In the place of the server: says what it gets, and ends with a code of its own. */
const SERVER = `
  const timer = setInterval(() => {}, 1_000);
  process.on('SIGTERM', () => { console.log('draining'); clearInterval(timer); setTimeout(() => { console.log('drained'); process.exit(0); }, 200); });
  console.log('running ' + process.pid);
`;

describe('npm start', () => {
  const folder = temporaryFolder();
  afterAll(() => removeFolder(folder));

  test('hands SIGTERM on to the gateway, and ends when that has ended, as it did', async () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: { start: string } };
    writeFileSync(
      join(folder, 'package.json'),
      JSON.stringify({ name: 'signals', version: '1.0.0', scripts: { start: scripts.start } }),
    );
    mkdirSync(join(folder, 'dist'));
    writeFileSync(join(folder, 'dist/main.js'), SERVER);
    const env = { PATH: process.env['PATH'], HOME: folder, npm_config_update_notifier: 'false' };
    const npm = spawn('npm', ['start'], { cwd: folder, env, stdio: ['ignore', 'pipe', 'ignore'] });
    let printed = '';
    npm.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
    const pid = () => Number(/running (\d+)/.exec(printed)?.[1] ?? 0);
    try {
      await until('the start', () => pid() > 0);
      const ended = once(npm, 'close') as Promise<[number | null]>;
      npm.kill('SIGTERM');
      await until('the signal', () => printed.includes('draining'));
      expect(await ended).toEqual([0, null]);
      expect(printed).toContain('drained');
    } finally {
      if (isRunning(pid())) process.kill(pid(), 'SIGKILL');
    }
  });
});

function isRunning(pid: number): boolean {
  try {
    return pid > 0 && process.kill(pid, 0);
  } catch {
    return false;
  }
}
