import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EarlyEnd, parseCommand, type Command } from './support/command-line.js';
import { option } from './support/command-options.js';
import { removeFolder, temporaryFolder } from './support/servers/temporary.js';

const COMMAND = {
  name: 'npm run try',
  does: 'Tries.',
  options: {
    rounds: option.whole({ unit: 'rounds', does: 'how many', from: 0, to: 9, default: 5, defaultWith: { quick: 1 } }),
    pause: option.amount({ unit: 'seconds', does: 'between them', default: 0.5 }),
    only: option.oneOf(['a', 'b'], { unit: 'part', does: 'this alone' }),
    out: option.text({ unit: 'file', does: 'where it goes', isRequired: true }),
    quick: option.flag('shorter'),
  },
} satisfies Command;

/** Message and exit code. */
function endOf(words: readonly string[], command: Command = COMMAND): unknown {
  try {
    return parseCommand(command, words);
  } catch (error) {
    if (!(error instanceof EarlyEnd)) throw error;
    return [error.exitCode, error.message];
  }
}

const SYNOPSIS = 'npm run try -- [--rounds <rounds>] [--pause <seconds>] [--only <part>] --out <file> [--quick] [--help]';

describe('a command line', () => {
  test('gives a value by each option: what stands there, else its default', () => {
    const { values } = parseCommand(COMMAND, ['--out', 'x']);
    expect(values).toMatchObject({ rounds: 5, pause: 0.5, only: undefined, out: 'x', quick: false });
    const words = ['--rounds=0', '--pause', '1.25', '--only', 'b', '--out', '-', '--quick', '--'];
    expect(parseCommand(COMMAND, words).values).toMatchObject({ rounds: 0, pause: 1.25, only: 'b', out: '-', quick: true });
    expect(parseCommand(COMMAND, ['--out=x', '--quick']).values.rounds).toBe(1);
    expect(parseCommand(COMMAND, ['--out=x', '--quick', '--rounds', '7']).values.rounds).toBe(7);
  });

  test.each([[['--help']], [['--typo', '--help', '--rounds']]])('%j gives the usage', (words) => {
    expect(endOf(words)).toEqual([
      0,
      `${SYNOPSIS}

Tries.

  --rounds <rounds>  how many: a whole number from 0 to 9 (default: 5, with --quick: 1)
  --pause <seconds>  between them: a number above 0 (default: 0.5)
  --only <part>      this alone: one of a, b
  --out <file>       where it goes: a file
  --quick            shorter
  --help             print this`,
    ]);
  });

  test.each([
    [['--typo'], `Unknown option '--typo'; expected: ${SYNOPSIS}`],
    [['--constructor'], `Unknown option '--constructor'; expected: ${SYNOPSIS}`],
    [['-q'], `Unknown option '-q'; expected: ${SYNOPSIS}`],
    [['--out=x', 'y'], `Unexpected argument 'y'; expected: ${SYNOPSIS}`],
    [[], `Option '--out <file>' missing; expected: ${SYNOPSIS}`],
    [['--out'], `Option '--out <file>' argument missing; expected: ${SYNOPSIS}`],
    [['--out', '--quick'], `Option '--out <file>' argument missing; expected: ${SYNOPSIS}`],
    [['--quick=yes'], `Option '--quick' takes no value, but got: yes; expected: ${SYNOPSIS}`],
    [['--out='], '--out must be a file, but got: '],
    [['--only', 'c'], '--only must be one of a, b, but got: c'],
    [['--rounds', '10'], '--rounds must be a whole number from 0 to 9, but got: 10'],
    [['--rounds', '-1'], '--rounds must be a whole number from 0 to 9, but got: -1'],
    [['--pause', '0.0'], '--pause must be a number above 0, but got: 0.0'],
    [['--pause', '1e3'], '--pause must be a number above 0, but got: 1e3'],
  ])('%j is refused', (words, message) => {
    expect(endOf(words)).toEqual([2, message]);
  });

  test('has operands only where they are declared', () => {
    expect(parseCommand({ ...COMMAND, operands: 'build <folder>' }, ['build', '--out=x', '--', '--y']).operands).toEqual([
      'build',
      '--y',
    ]);
  });
});

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function run(entry: string, ...words: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(process.execPath, ['--import', 'tsx', entry, ...words], (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

describe('the commands of package.json', () => {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
  const commands = Object.entries(scripts).flatMap(([name, script]) => {
    const [, entry] = /^tsx ((?:scripts|bench)\/(?!test\.ts).*)$/.exec(script) ?? [];
    return entry === undefined ? [] : [{ name, entry }];
  });
  const sources = ['bench', 'scripts', 'test'].flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
      .map((name) => ({ name: join(folder, name), text: readFileSync(join(folder, name), 'utf8') })),
  );

  test('each declares its own name', () => {
    const declared = sources.flatMap(({ text }) => [...text.matchAll(/name: 'npm run (?:--silent )?([a-z:]+)'/g)]);
    expect(declared.map(([, name]) => name).sort()).toEqual(commands.map(({ name }) => name).sort());
  });

  test.each(commands)('$name reads its words as all do', ({ entry }) => {
    expect(readFileSync(entry, 'utf8')).toMatch(/\b(?:orExit|valuesOrExit)\(/);
    const readers = sources.filter(({ text }) => /\bparseArgs\(/.test(text));
    expect(readers.map(({ name }) => name)).toEqual(['test/support/command-line.ts']);
  });

  test('print their usage, and refuse what is wrong in one line', async () => {
    const [help, typo, checker] = await Promise.all([
      run('scripts/licences.ts', '--help'),
      run('scripts/licences.ts', '--typo'),
      run('scripts/check-feed.ts', '--changes', 'many'),
    ]);
    expect(help).toEqual({ code: 0, stdout: expect.stringMatching(/^npm run licences -- \[--help\]\n/), stderr: '' });
    expect(typo).toEqual({ code: 2, stdout: '', stderr: "Unknown option '--typo'; expected: npm run licences -- [--help]\n" });
    const stderr = '--changes must be a whole number above 0, but got: many\n';
    expect(checker).toEqual({ code: 2, stdout: '', stderr });
  });
});

describe('npm run operations', () => {
  const folder = temporaryFolder();
  afterAll(() => removeFolder(folder));
  const out = join(folder, 'manifest.json');
  const SYNTAX = 'npm run operations -- build <folder>... --out <file> [--typenames] [--help]';

  test.each([
    [['portal', '--out', out], `Command must be build, but got: portal; expected: ${SYNTAX}\n`],
    [['build', '/nope', '--out', out], '/nope: expected a folder of .graphql files, but got: ENOENT\n'],
    [['build', 'operations/portal', '--out', folder], `${folder}: expected a file that can be written, but got: EISDIR\n`],
  ])('%j is refused', async (words, stderr) => {
    expect(await run('scripts/build-manifest.ts', ...words)).toEqual({ code: 2, stdout: '', stderr });
  });

  test('builds a manifest', async () => {
    const { code, stdout } = await run('scripts/build-manifest.ts', 'build', 'operations/portal', '--out', out);
    expect(code).toBe(0);
    const { operations } = JSON.parse(readFileSync(out, 'utf8')) as { operations: { id: string }[] };
    expect(stdout.trim().split('\n')).toHaveLength(operations.length);
  });
});
