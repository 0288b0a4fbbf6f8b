import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { count } from '../checker/options.js';

export interface FuzzOptions {
  /** How many requests (messages of WebSockets included) are sent. */
  readonly requests: number;
  /** Decides every request: all of it but times and signatures of tokens depends on the seed and its number alone. How the gateway interleaves them it does not. */
  readonly seed: string;
  /** Sends this one only. */
  readonly only?: number | undefined;
  /** How many connections are used at once. */
  readonly lanes: number;
}

/** The options that stand on a command line. @throws naming the wrong one and what it must be */
export function parseFuzzOptions(words: readonly string[]): FuzzOptions {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({ args: [...words], options: { requests: text, seed: text, only: text, lanes: text } });
  const only = values.only === undefined ? undefined : Number(values.only);
  if (only !== undefined && !(Number.isInteger(only) && only >= 0)) {
    throw new Error(`--only must be the number of a request, but got: ${values.only}`);
  }
  return {
    requests: count('requests', values.requests, 100_000),
    seed: values.seed ?? String(randomInt(1_000_000_000)),
    only,
    lanes: count('lanes', values.lanes, 32),
  };
}
