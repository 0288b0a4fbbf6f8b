import { parseOptions } from '../test/file-checker/options.js';
import { faultsOf } from '../test/file-checker/report.js';
import { isPassed, runCheck } from '../test/file-checker/run.js';
import { orExit } from '../test/support/command-line.js';

/**
 * Checks that several gateway processes give no bytes of a file but those of one version that was valid, while everything around
 * them fails: `npm run check:files -- --downloads 20000 --gateways 3 --seed 7`, with `--source folder` over a folder instead of S3.
 * With `--bug <name>` the gateways are broken on purpose, and the check must find it. Exit code 0: everything was
 * compared and right; 1: a violation, or too little was checked.
 */
async function main(): Promise<void> {
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';
  const options = orExit(parseOptions);
  const { seed, gateways, downloads, source, bug } = options;
  const what = bug
    ? `with the bug "${bug}", until it is found`
    : `${downloads} downloads, ${faultsOf(source).length} kinds of faults`;
  console.log(`checking ${gateways} gateways over ${source}, ${what}; repeat with --seed ${seed}`);
  const report = await runCheck(options, {}, (line) => console.log(line));
  for (const line of report.lines(seed)) console.log(line);
  if (report.downloads < downloads && !bug) console.log(`TOO FEW DOWNLOADS: ${report.downloads} of ${downloads}`);
  if (report.missingFaults.length > 0 && !bug && !options.isBrief)
    console.log(`FAULTS THAT NEVER HAPPENED: ${report.missingFaults.join(', ')}`);
  if (bug) console.log(report.wrongAnswers > 0 ? `the bug "${bug}" was found` : `THE BUG "${bug}" WAS NOT FOUND`);
  // Node 20 may spin for ever in its own clean-up after connections were reset while they were being opened.
  process.exit(isPassed(report, options) ? 0 : 1);
}

await main();
