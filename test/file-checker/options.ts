import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { SECOND, type Milliseconds } from '../../src/units.js';
import { count } from '../checker/options.js';
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

/** The options that stand on a command line. @throws naming the wrong one and what it must be */
export function parseOptions(words: readonly string[]): FileCheckOptions {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args: [...words],
    options: { seed: text, downloads: text, gateways: text, source: text, bug: text, seconds: text, brief: { type: 'boolean' } },
  });
  const bug = oneOf('bug', values.bug, BUGS);
  return {
    seed: values.seed ?? String(randomInt(1_000_000_000)),
    downloads: count('downloads', values.downloads, bug ? 1_000_000 : 20_000),
    gateways: count('gateways', values.gateways, 3),
    source: oneOf('source', values.source, SOURCES) ?? 's3',
    isBrief: values.brief ?? false,
    bug,
    limit: count('seconds', values.seconds, bug ? 90 : 3_600) * SECOND,
  };
}

function oneOf<Word extends string>(name: string, text: string | undefined, words: readonly Word[]): Word | undefined {
  const word = words.find((each) => each === text);
  if (text !== undefined && word === undefined) throw new Error(`--${name} must be one of ${words.join(', ')}, but got: ${text}`);
  return word;
}
