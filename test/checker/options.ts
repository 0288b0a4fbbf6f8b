import { randomInt } from 'node:crypto';
import { SECOND, type Milliseconds } from '../../src/units.js';
import { parseCommand, type Command } from '../support/command-line.js';
import { option } from '../support/command-options.js';

/** Bugs that `bugs.mjs` puts into the gateways: those that this check finds. */
export const BUGS = [
  'token-after-load',
  'trust-memory',
  'join-any-load',
  'no-renewal',
  'early-acknowledgement',
  'refresh-with-answer',
  'resurrect',
] as const;
/** Those that the check of the feed finds; here entries expire before the loss of a change is seen for sure. */
export const FEED_BUGS = ['feed-by-number'] as const;
export type Bug = (typeof BUGS | typeof FEED_BUGS)[number];

export interface CheckOptions {
  /** Decides the faults, and what is read and written. How the processes interleave it does not. */
  readonly seed: string;
  /** How many reads must be checked. */
  readonly reads: number;
  readonly gateways: number;
  /** With a bug the check ends at the first violation. */
  readonly bug?: Bug | undefined;
  /** The check ends after this time, whatever it has got. */
  readonly limit: Milliseconds;
}

/** What every check with random faults has. */
export const SEED = option.text({ unit: 'word', does: 'decides what is random, and is drawn if it is left out' });
export const LIMIT = { unit: 'seconds', does: 'end after this time, whatever was checked' } as const;
export const BUG = { unit: 'bug', does: 'break the gateways on purpose, and end when it shows' } as const;

const COMMAND = {
  name: 'npm run check:consistency',
  does: 'Checks that several gateways answer no order older than the guarantees allow, while everything around them fails.',
  options: {
    seed: SEED,
    reads: option.whole({ unit: 'reads', does: 'how many must be checked', default: 20_000, defaultWith: { bug: 1_000_000 } }),
    gateways: option.whole({ unit: 'processes', does: 'how many gateways run', default: 3 }),
    bug: option.oneOf(BUGS, BUG),
    seconds: option.whole({ ...LIMIT, default: 3_600, defaultWith: { bug: 90 } }),
  },
} satisfies Command;

/** The options that stand on a command line. @throws EarlyEnd for `--help`, or naming what is wrong and what it must be */
export function parseOptions(words: readonly string[]): CheckOptions {
  const { seed = drawnSeed(), seconds, ...values } = parseCommand(COMMAND, words).values;
  return { ...values, seed, limit: seconds * SECOND };
}

export function drawnSeed(): string {
  return String(randomInt(1_000_000_000));
}
