import { parseOptions } from '../test/checker/options.js';
import { isPassed, runCheck } from '../test/checker/run.js';
import { FAULTS } from '../test/checker/report.js';
import { orExit } from '../test/support/command-line.js';

/**
 * Checks that several gateway processes answer no order that is older than the guarantees allow, while everything around
 * them fails: `npm run check:consistency -- --reads 100000 --gateways 3 --seed 7`. With `--bug <name>` the gateways are
 * broken on purpose, and the check must find it. Exit code 0: everything was read and right; 1: a violation, or too little
 * was checked.
 */
async function main(): Promise<void> {
  const options = orExit(parseOptions);
  const { seed, gateways, reads, bug } = options;
  const what = bug ? `with the bug "${bug}", until it is found` : `${reads} reads, ${FAULTS.length} kinds of faults`;
  console.log(`checking ${gateways} gateways, ${what}; repeat with --seed ${seed}`);
  const report = await runCheck(options, (line) => console.log(line));
  for (const line of report.lines(seed)) console.log(line);
  if (report.reads < reads && !bug) console.log(`TOO FEW READS: ${report.reads} of ${reads}`);
  if (report.missingFaults.length > 0 && !bug) console.log(`FAULTS THAT NEVER HAPPENED: ${report.missingFaults.join(', ')}`);
  if (bug) console.log(report.violations.length > 0 ? `the bug "${bug}" was found` : `THE BUG "${bug}" WAS NOT FOUND`);
  // Node 20 may spin for ever in its own clean-up after connections were reset while they were being opened.
  process.exit(isPassed(report, options) ? 0 : 1);
}

await main();
