import { BUGS, parseOptions } from './checker/options.js';
import { isPassed, runCheck } from './checker/run.js';
import { MINUTE } from '../src/units.js';
import { describeWith } from './support/servers/shared.js';

const TIMEOUT = 5 * MINUTE;

const check = async (...words: string[]) => {
  const options = parseOptions(words);
  const report = await runCheck(options, () => undefined);
  return { report, passed: isPassed(report, options), text: report.lines(options.seed).join('\n') };
};

describeWith('postgres', 'redis')('the consistency checker, in short', () => {
  test(
    'three gateways under every kind of fault: no violation',
    async () => {
      const { passed, text } = await check('--reads', '1500', '--seconds', '200');
      expect(text).toMatch(/^violations: 0$/m);
      expect({ passed, text }).toEqual({ passed: true, text });
    },
    TIMEOUT,
  );

  // The others take longer to meet: `npm run check:consistency -- --bug <name>`.
  test.each(['token-after-load', 'trust-memory', 'early-acknowledgement'])(
    'finds the bug %s',
    async (bug) => {
      const { report, passed, text } = await check('--bug', bug, '--seconds', '90');
      expect(report.violations.length).toBeGreaterThan(0);
      expect(passed).toBe(false);
      expect(text).toMatch(/VIOLATION: version \d+ of order .* was read, but must be at least \d+/);
    },
    TIMEOUT,
  );
});

describe('the command line of the checker', () => {
  test('has defaults', () => {
    expect(parseOptions([])).toMatchObject({ reads: 20_000, gateways: 3, bug: undefined, seed: expect.stringMatching(/^\d+$/) });
    expect(parseOptions([])).toMatchObject({ limit: 3_600_000 });
    expect(parseOptions(['--bug', 'no-renewal'])).toMatchObject({ reads: 1_000_000, bug: 'no-renewal', limit: 90_000 });
  });

  test.each([
    { words: ['--bug', 'typo'], says: `--bug must be one of ${BUGS.join(', ')}, but got: typo` },
    { words: ['--reads', '-1'], says: '--reads' },
    { words: ['--gateways', 'three'], says: '--gateways must be a whole number above 0, but got: three' },
    {
      words: ['--reads', '--seed', '7'],
      says: "Option '--reads <reads>' argument missing; expected: npm run check:consistency -- [",
    },
    { words: ['--bug=no-renewal', 'now'], says: "Unexpected argument 'now'; expected: npm run check:consistency -- [" },
    { words: ['--unknown'], says: "Unknown option '--unknown'" },
  ])('$words is refused', ({ words, says }) => {
    expect(() => parseOptions(words)).toThrow(says);
  });
});
