import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MINUTE } from '../src/units.js';
import { valuesOrExit } from '../test/support/command-line.js';
import { EXPECTED_FAILURES, EXPECTED_SKIPS } from './apollo-suite/expected.js';
import { installSuite } from './apollo-suite/install.js';
import { verdictOf, type JestReport, type Verdict } from './apollo-suite/verdict.js';

const PATIENCE = 10 * MINUTE;

/**
 * Apollo's integration test suite against the gateway's HTTP server: `npm run probe:apollo`. Exit code 0: exactly the tests failed of which that was
 * expected, for the reasons that were expected; 1: not so; 2: the suite could not be installed or run.
 */
function main(): number {
  let verdict: Verdict;
  try {
    const report = runSuite(installSuite((line) => console.log(line)));
    verdict = verdictOf(report, { failures: EXPECTED_FAILURES, skips: EXPECTED_SKIPS });
  } catch (error) {
    console.error((error as Error).message);
    console.error("\nNOT PROBED: Apollo's integration test suite could not be installed or run. Nothing is known.");
    return 2;
  }
  for (const line of verdict.lines) console.log(line);
  for (const problem of verdict.problems) console.error(`\nPROBLEM: ${problem}`);
  if (verdict.problems.length === 0) console.log('\nAll as expected.');
  return verdict.problems.length === 0 ? 0 : 1;
}

/** @throws with what jest said if it wrote no report */
function runSuite(modules: string): JestReport {
  const folder = mkdtempSync(join(tmpdir(), 'apollo-suite-'));
  const file = join(folder, 'report.json');
  const jest = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', 'node_modules/jest/bin/jest.js'];
  const options = ['--config', 'scripts/apollo-suite/jest.config.js', '--modulePaths', modules, '--json', '--outputFile', file];
  // The suite would run tests that need graphql 17.
  const { INCREMENTAL_DELIVERY_TESTS_ENABLED: _, ...env } = process.env;
  try {
    const { stderr, error } = spawnSync(process.execPath, [...jest, ...options], {
      cwd: join(import.meta.dirname, '..'),
      env,
      encoding: 'utf8',
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: PATIENCE,
    });
    if (error) throw error;
    return readReport(file, stderr);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function readReport(file: string, said: string): JestReport {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as JestReport;
  } catch (error) {
    throw new Error(`jest wrote no report: ${said}`, { cause: error });
  }
}

valuesOrExit({
  name: 'npm run probe:apollo',
  does: "Runs Apollo's integration test suite against the HTTP server of the gateway.",
  options: {},
});
process.exitCode = main();
