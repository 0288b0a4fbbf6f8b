import { SECOND, type Milliseconds } from '../../../src/units.js';
import { parseCommand, type Command } from '../../support/command-line.js';
import { option } from '../../support/command-options.js';
import { BUG, drawnSeed, FEED_BUGS, LIMIT, SEED, type Bug } from '../options.js';

const FEEDS = ['outbox', 'poll'] as const;
export type FeedKind = (typeof FEEDS)[number];

export interface FeedCheckOptions {
  /** Decides what is written and when leaders are killed; how it all interleaves it does not. */
  readonly seed: string;
  readonly feed: FeedKind;
  /** Changes to be committed. */
  readonly changes: number;
  readonly orders: number;
  /** Single changes that are measured one by one in the end. */
  readonly samples: number;
  /** The gateways are broken on purpose. */
  readonly bug: Bug | undefined;
  /** No more changes are begun after this time. */
  readonly limit: Milliseconds;
}

const COMMAND = {
  name: 'npm run check:feed',
  does: 'Checks that every change that other programs commit is seen through all gateways, although leaders of the feed are killed.',
  options: {
    seed: SEED,
    feed: option.oneOf(FEEDS, { unit: 'feed', does: 'CHANGE_FEED of the gateways', default: 'outbox' }),
    changes: option.whole({ unit: 'changes', does: 'how many are committed', default: 100_000 }),
    orders: option.whole({ unit: 'orders', does: 'how many there are', default: 8_000 }),
    samples: option.whole({ unit: 'changes', does: 'how many are measured one by one in the end', default: 200 }),
    bug: option.oneOf(FEED_BUGS, { ...BUG, does: 'break the gateways on purpose' }),
    seconds: option.whole({ ...LIMIT, does: 'begin no more changes after this time', default: 3_600 }),
  },
} satisfies Command;

/** The options that stand on a command line. @throws EarlyEnd for `--help`, or naming what is wrong and what it must be */
export function parseFeedOptions(words: readonly string[]): FeedCheckOptions {
  const { seed = drawnSeed(), seconds, ...values } = parseCommand(COMMAND, words).values;
  return { ...values, seed, limit: seconds * SECOND };
}
