import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { SECOND, type Milliseconds } from '../../../src/units.js';
import { count, FEED_BUGS, parseBug, type Bug } from '../options.js';

export type FeedKind = 'outbox' | 'poll';

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

/** The options that stand on a command line. @throws naming the wrong one and what it must be */
export function parseFeedOptions(words: readonly string[]): FeedCheckOptions {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args: [...words],
    options: { seed: text, changes: text, feed: text, orders: text, samples: text, bug: text, seconds: text },
  });
  const { feed = 'outbox' } = values;
  if (feed !== 'outbox' && feed !== 'poll') throw new Error(`--feed must be one of outbox, poll, but got: ${feed}`);
  return {
    seed: values.seed ?? String(randomInt(1_000_000_000)),
    feed,
    changes: count('changes', values.changes, 100_000),
    orders: count('orders', values.orders, 8_000),
    samples: count('samples', values.samples, 200),
    bug: parseBug(values.bug, FEED_BUGS),
    limit: count('seconds', values.seconds, 3_600) * SECOND,
  };
}
