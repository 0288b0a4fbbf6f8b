import { MINUTE } from '../src/units.js';
import { parseFeedOptions } from './checker/feed/options.js';
import { runFeedCheck } from './checker/feed/run.js';
import { describeWith } from './support/servers/shared.js';

describeWith('postgres', 'redis')('the check of the feed, in short', () => {
  test.each(['outbox', 'poll'])(
    '%s: three gateways, late commits, leaders killed: every change is seen',
    async (feed) => {
      const options = parseFeedOptions(['--feed', feed, '--changes', '800', '--orders', '300', '--samples', '5']);
      const report = await runFeedCheck(options, () => undefined);
      const text = report.lines().join('\n');
      expect(text).toMatch(/^missed: 0$/m);
      expect({ passed: report.isPassed, text }).toEqual({ passed: true, text });
      expect(report.changes).toBeGreaterThanOrEqual(800);
      expect(report.cachedByAll + report.cachedInStore).toBe(report.changes);
      expect(report.lateTransactions).toBeGreaterThan(0);
    },
    5 * MINUTE,
  );
});

describeWith('postgres', 'redis')('the check of the feed', () => {
  test(
    'finds positions that are row numbers',
    async () => {
      const words = ['--bug', 'feed-by-number', '--changes', '800', '--orders', '300', '--samples', '1'];
      const report = await runFeedCheck(parseFeedOptions(words), () => undefined);
      expect(report.missed.length).toBeGreaterThan(0);
      expect(report.isPassed).toBe(false);
    },
    5 * MINUTE,
  );
});

describe('the command line of the check of the feed', () => {
  test('has defaults', () => {
    expect(parseFeedOptions([])).toMatchObject({ feed: 'outbox', changes: 100_000, seed: expect.stringMatching(/^\d+$/) });
  });

  test.each([
    { words: ['--feed', 'off'], says: '--feed must be one of outbox, poll, but got: off' },
    { words: ['--changes', '0'], says: '--changes must be a whole number above 0, but got: 0' },
    { words: ['--unknown'], says: "Unknown option '--unknown'" },
  ])('$words is refused', ({ words, says }) => {
    expect(() => parseFeedOptions(words)).toThrow(says);
  });
});
