import { MINUTE } from '../src/units.js';
import { contentOf, describeBytes, hashOf } from './file-checker/content.js';
import { BUGS, parseOptions } from './file-checker/options.js';
import { isPassed, runCheck } from './file-checker/run.js';
import { describeWith, sharedPostgres, sharedS3 } from './support/servers/shared.js';

const TIMEOUT = 3 * MINUTE;

const check = async (...words: string[]) => {
  const options = parseOptions(words);
  const report = await runCheck(options, { postgres: sharedPostgres().url, s3: sharedS3() }, () => undefined);
  return { report, passed: isPassed(report, options), text: report.lines(options.seed).join('\n') };
};

describeWith(
  'postgres',
  'redis',
  's3',
)('the checker of files, in short', () => {
  // Every kind of fault takes longer: `npm run check:files`.
  test(
    'three gateways under some faults: nothing wrong',
    async () => {
      const { passed, text } = await check('--downloads', '400', '--brief', '--seconds', '120');
      expect(text).toMatch(/^0 wrong$/m);
      expect({ passed, text }).toEqual({ passed: true, text });
    },
    TIMEOUT,
  );

  test.each(BUGS)(
    'finds the bug %s',
    async (bug) => {
      const { report, passed, text } = await check('--bug', bug, '--gateways', '2', '--seconds', '60');
      expect({ found: report.wrongAnswers > 0, passed, text }).toEqual({ found: true, passed: false, text });
    },
    TIMEOUT,
  );
});

describe('the bytes of a version', () => {
  test('are the same however they are cut', () => {
    const whole = contentOf(7, 3, 0, 1_000);
    for (const [start, end] of [
      [0, 1],
      [1, 2],
      [3, 9],
      [255, 1_000],
    ] as const) {
      expect(contentOf(7, 3, start, end)).toEqual(whole.subarray(start, end));
    }
    expect(hashOf(whole)).not.toBe(hashOf(contentOf(7, 4, 0, 1_000)));
    expect(hashOf(whole)).not.toBe(hashOf(contentOf(8, 3, 0, 1_000)));
  });

  test('tell their version in every slice', () => {
    const mixed = Buffer.concat([contentOf(7, 3, 100, 200), contentOf(7, 12, 200, 240), Buffer.alloc(8)]);
    expect(describeBytes(7, 12, 100, mixed)).toBe('version 3 at 100–199, version 12 at 200–239, no version at 240–247');
    expect(describeBytes(7, 12, 98, contentOf(7, 5, 98, 300))).toBe('version 5 at 100–299');
  });
});

describe('the command line of the checker of files', () => {
  test('has defaults', () => {
    expect(parseOptions([])).toMatchObject({ downloads: 20_000, gateways: 3, source: 's3', bug: undefined });
  });

  test.each([
    { words: ['--bug', 'typo'], says: `--bug must be one of ${BUGS.join(', ')}, but got: typo` },
    { words: ['--source', 'ftp'], says: '--source must be one of s3, folder, but got: ftp' },
    { words: ['--downloads', '-1'], says: '--downloads' },
    { words: ['--unknown'], says: "Unknown option '--unknown'" },
  ])('$words is refused', ({ words, says }) => {
    expect(() => parseOptions(words)).toThrow(says);
  });
});
