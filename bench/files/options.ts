import { SECOND, type Milliseconds, type Seconds } from '../../src/units.js';
import { parseCommand, type Command } from '../../test/support/command-line.js';
import { option } from '../../test/support/command-options.js';

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

const COMMAND = {
  name: 'npm run bench:files',
  does: "Measures files through the gateway, through nginx's proxy_cache and from nginx alone.",
  options: {
    rounds: option.whole({ unit: 'rounds', does: 'of warm and cold', to: 999, default: 3, defaultWith: { quick: 1 } }),
    seconds: option.whole({ unit: 'seconds', does: 'of each round of warm', to: 999, default: 2, defaultWith: { quick: 1 } }),
    only: option.oneOf(PARTS, { unit: 'part', does: 'measure this alone' }),
    seed: option.text({ unit: 'word', does: 'decides what is asked for', default: 'files' }),
    json: option.text({ unit: 'file', does: 'where the results are written as JSON' }),
    quick: option.flag('all of it much shorter: only to see that everything works'),
  },
} satisfies Command;

/** @throws EarlyEnd for `--help`, or naming the option that is not known or has a wrong value, and what was expected */
export function parseOptions(args: readonly string[]): Options {
  const { quick, json, only, ...values } = parseCommand(COMMAND, args).values;
  return {
    ...values,
    parts: only === undefined ? PARTS : [only],
    requests: quick ? 400 : 2_400,
    slowFor: (quick ? 8 : 60) * SECOND,
    ...(json !== undefined && { json }),
  };
}
