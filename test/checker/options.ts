import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { SECOND, type Milliseconds } from '../../src/units.js';

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

/** The options that stand on a command line. @throws naming the wrong one and what it must be */
export function parseOptions(words: readonly string[]): CheckOptions {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args: [...words],
    options: { seed: text, reads: text, gateways: text, bug: text, seconds: text },
  });
  const bug = parseBug(values.bug, BUGS);
  return {
    seed: values.seed ?? String(randomInt(1_000_000_000)),
    reads: count('reads', values.reads, bug ? 1_000_000 : 20_000),
    gateways: count('gateways', values.gateways, 3),
    bug,
    limit: count('seconds', values.seconds, bug ? 90 : 3_600) * SECOND,
  };
}

/** @throws when there is no such bug */
export function parseBug(text: string | undefined, bugs: readonly Bug[]): Bug | undefined {
  const bug = bugs.find((name) => name === text);
  if (text !== undefined && !bug) throw new Error(`--bug must be one of ${bugs.join(', ')}, but got: ${text}`);
  return bug;
}

/** @throws when `text` is not a whole number above 0 */
export function count(name: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  if (!/^[1-9]\d*$/.test(text)) throw new Error(`--${name} must be a whole number above 0, but got: ${text}`);
  return Number(text);
}
