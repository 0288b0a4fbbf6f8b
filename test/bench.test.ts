import { tryRun } from './support/servers/run.js';
import { describeWith } from './support/servers/shared.js';

describeWith('postgres', 'redis')('npm run bench', () => {
  test('a quick run completes, and all contestants answer the same', async () => {
    const { code, stdout } = await tryRun(process.execPath, ['--import', 'tsx', 'bench/main.ts', '--quick'], {
      timeout: 240_000,
    });
    expect(stdout).toMatch(/^8 contestants answer 4 operations with identical data\.$/m);
    expect(stdout.match(/^### /gm)).toHaveLength(5);
    expect(code).toBe(0);
  }, 250_000);
});
