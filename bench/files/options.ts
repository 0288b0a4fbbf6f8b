import { parseArgs } from 'node:util';
import { SECOND, type Milliseconds, type Seconds } from '../../src/units.js';

export const PARTS = ['warm', 'cold', 'zipf', 'slow'] as const;
export type Part = (typeof PARTS)[number];

export interface Options {
  readonly parts: readonly Part[];
  /** Of `warm` and `cold`; their tables have medians. */
  readonly rounds: number;
  /** Of each round of `warm`. */
  readonly seconds: Seconds;
  readonly seed: string;
  /** Where the results are written as JSON. */
  readonly json?: string;
  /** Requests of `zipf`, without the sweep. */
  readonly requests: number;
  /** Of `slow`. */
  readonly slowFor: Milliseconds;
}

const KNOWN = {
  rounds: { type: 'string' },
  seconds: { type: 'string' },
  only: { type: 'string' },
  seed: { type: 'string', default: 'files' },
  json: { type: 'string' },
  quick: { type: 'boolean', default: false },
} as const;

/** @throws Error naming the option that is not known or has a wrong value, and what was expected */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({ args: [...args], options: KNOWN, strict: true, allowPositionals: false });
  const { quick, seed, json, only } = values;
  return {
    parts: only === undefined ? PARTS : [partOf(only)],
    rounds: wholeNumber('--rounds', values.rounds, quick ? 1 : 3),
    seconds: wholeNumber('--seconds', values.seconds, quick ? 1 : 2),
    seed,
    requests: quick ? 400 : 2_400,
    slowFor: (quick ? 8 : 60) * SECOND,
    ...(json !== undefined && { json }),
  };
}

function partOf(name: string): Part {
  const part = PARTS.find((each) => each === name);
  if (part === undefined) throw new Error(`--only must be one of ${PARTS.join(', ')}, but got: ${name}`);
  return part;
}

function wholeNumber(name: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  if (!/^[1-9]\d{0,2}$/.test(text)) throw new Error(`${name} must be a whole number from 1 to 999, but got: ${text}`);
  return Number(text);
}
