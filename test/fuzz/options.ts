import { drawnSeed, SEED } from '../checker/options.js';
import { parseCommand, type Command } from '../support/command-line.js';
import { option } from '../support/command-options.js';

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

const COMMAND = {
  name: 'npm run fuzz',
  does: 'Sends random and mutated requests to a gateway, and tells what they have broken.',
  options: {
    requests: option.whole({ unit: 'requests', does: 'how many are sent', default: 100_000 }),
    seed: SEED,
    only: option.whole({ unit: 'number', does: 'send this request of the seed alone', from: 0 }),
    lanes: option.whole({ unit: 'connections', does: 'how many are used at once', default: 32 }),
  },
} satisfies Command;

/** The options that stand on a command line. @throws EarlyEnd for `--help`, or naming what is wrong and what it must be */
export function parseFuzzOptions(words: readonly string[]): FuzzOptions {
  const { seed = drawnSeed(), ...values } = parseCommand(COMMAND, words).values;
  return { ...values, seed };
}
