import type { WindowPolicy } from '../src/config-values.js';
import { MINUTE } from '../src/units.js';
import { valuesOrExit } from '../test/support/command-line.js';
import { option } from '../test/support/command-options.js';
import { measurePrices } from './windows/measure.js';
import { PRICES } from './windows/prices.js';
import { windowsReport, type NamedRun } from './windows/report.js';
import { play } from './windows/run.js';
import { createTraces } from './windows/traces.js';
import { LEVELS } from './windows/world.js';

/**
 * `npm run bench:windows [-- --seed windows --minutes 20 --measure]`: the same traces with each fixed level and with levels that
 * adapt, through the real reads, cache and policy, in time that is advanced by hand. Exits with 1 when adaptive costs more
 * than the best fixed level by over 10 % in a phase, or anything over all phases. `--measure` takes the prices of this
 * machine's Postgres and Redis instead of those in `bench/windows/prices.ts`.
 */
const options = valuesOrExit({
  name: 'npm run bench:windows',
  does: 'Measures the same traces with each fixed level of windows, and with levels that adapt.',
  options: {
    seed: option.text({ unit: 'word', does: 'decides the traces', default: 'windows' }),
    minutes: option.amount({ unit: 'minutes', does: 'how long each phase of the traces is', default: 20 }),
    measure: option.flag("take the prices of this machine's Postgres and Redis, not those of bench/windows/prices.ts"),
  },
});
const prices = options.measure ? await measurePrices() : PRICES;

const traces = createTraces(options.seed, options.minutes * MINUTE);
const policies: [string, WindowPolicy][] = [
  ...LEVELS.map((level): [string, WindowPolicy] => [String(level), { kind: 'fixed', level }]),
  ['adaptive', { kind: 'adaptive' }],
];
const runs: NamedRun[] = [];
for (const [name, policy] of policies) {
  console.error(name);
  runs.push({ name, ...(await play(traces, prices, policy)) });
}
const { text, problems } = windowsReport(runs);
const adaptive = runs.at(-1)!;
const ms = (price: number): string => price.toPrecision(3);
console.log(`Seed "${options.seed}", ${options.minutes} minutes each.`);
console.log(`Prices: statement ${ms(prices.statement)} ms, row ${ms(prices.row)} ms, look-up ${ms(prices.lookup)} ms.`);
const { statement, row, lookup } = adaptive.measured;
console.log(`As the policy measured them: ${ms(statement)}, ${ms(row)}, ${ms(lookup)} ms. Switches: ${adaptive.switches}.\n`);
console.log(text);
if (problems.length > 0) console.log(`\nNOT AS PROMISED: ${problems.join('; ')}`);
process.exitCode = problems.length === 0 ? 0 : 1;
