import { SECOND, type Milliseconds } from '../../src/units.js';
import { BUG, drawnSeed, LIMIT, SEED } from '../checker/options.js';
import { parseCommand, type Command } from '../support/command-line.js';
import { option } from '../support/command-options.js';
import type { Fault } from './report.js';

/** Bugs that `bugs.mjs` puts into the gateways. */
export const BUGS = ['early-acknowledgement', 'no-renewal', 'any-version', 'no-checksum', 'one-file-per-path'] as const;
export type Bug = (typeof BUGS)[number];

/** Faults without which a bug does not show. */
export const BUG_FAULTS: Readonly<Record<Bug, readonly Fault[]>> = {
  'early-acknowledgement': [],
  'no-renewal': [],
  'any-version': [],
  'no-checksum': ['cache-bytes-flipped'],
  'one-file-per-path': [],
};

export const SOURCES = ['s3', 'folder'] as const;
export type SourceKind = (typeof SOURCES)[number];

export interface FileCheckOptions {
  /** Decides the faults, and what is read and written. How the processes interleave it does not. */
  readonly seed: string;
  /** How many bodies must be compared. */
  readonly downloads: number;
  readonly gateways: number;
  readonly source: SourceKind;
  /** Ends when enough was compared, whatever faults have not happened. */
  readonly isBrief: boolean;
  /** With a bug the check ends at the first wrong answer: a bug may show as a failure before. */
  readonly bug: Bug | undefined;
  /** The check ends after this time, whatever it has got. */
  readonly limit: Milliseconds;
}

const COMMAND = {
  name: 'npm run check:files',
  does: 'Checks that several gateways give no bytes but those of one valid version of a file, while everything around them fails.',
  options: {
    seed: SEED,
    downloads: option.whole({
      unit: 'downloads',
      does: 'how many must be compared',
      default: 20_000,
      defaultWith: { bug: 1_000_000 },
    }),
    gateways: option.whole({ unit: 'processes', does: 'how many gateways run', default: 3 }),
    source: option.oneOf(SOURCES, { unit: 'store', does: 'where files are kept', default: 's3' }),
    brief: option.flag('end when enough was compared, whatever faults have not happened'),
    bug: option.oneOf(BUGS, BUG),
    seconds: option.whole({ ...LIMIT, default: 3_600, defaultWith: { bug: 90 } }),
  },
} satisfies Command;

/** The options that stand on a command line. @throws EarlyEnd for `--help`, or naming what is wrong and what it must be */
export function parseOptions(words: readonly string[]): FileCheckOptions {
  const { seed = drawnSeed(), seconds, brief, ...values } = parseCommand(COMMAND, words).values;
  return { ...values, seed, isBrief: brief, limit: seconds * SECOND };
}
