import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SERVER_NAMES, wantedServers } from '../test/support/servers/shared.js';
import { SECOND } from '../src/units.js';

interface Check {
  heading: string;
  /** The name of a script in package.json. */
  script: string;
}

interface Tally {
  passed: number;
  failed: number;
  skipped: number;
}

const CHECKS: readonly Check[] = [
  { heading: 'generated GraphQL types are current', script: 'codegen:check' },
  { heading: 'types', script: 'typecheck' },
  { heading: 'lint', script: 'lint' },
  { heading: 'format', script: 'format:check' },
  { heading: 'architecture', script: 'arch' },
  { heading: 'licences of what is deployed', script: 'licences' },
  { heading: 'build', script: 'build' },
  { heading: 'servers for the tests', script: 'servers' },
];

/** Runs a script of package.json with its output on the terminal. Gives its exit code, 1 when it was killed. */
function npmRun(script: string, args: readonly string[] = []): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn('npm', ['run', '--silent', script, '--', ...args], { stdio: ['ignore', 'inherit', 'inherit'] });
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? 1));
  });
}

async function timed(heading: string, work: () => Promise<boolean>): Promise<boolean> {
  console.log(`\n=== ${heading} ===`);
  const start = performance.now();
  const passed = await work();
  console.log(`=== ${heading}: ${passed ? 'passed' : 'FAILED'} in ${((performance.now() - start) / SECOND).toFixed(1)} s ===`);
  return passed;
}

/** What jest writes with `--json`, as far as it is counted here. */
interface JestResult {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  numTodoTests: number;
  /** Test files that could not be run at all. */
  numRuntimeErrorTestSuites: number;
}

/** Runs jest. A run that ends badly without a failed test (a broken file, a failed start of a server) counts as one failure. */
async function runJest(args: readonly string[]): Promise<Tally> {
  const folder = mkdtempSync(join(tmpdir(), 'mes-gateway-jest-'));
  const file = join(folder, 'result.json');
  try {
    const code = await npmRun('jest', ['--json', `--outputFile=${file}`, ...args]);
    const result = readResult(file);
    const failed = result.numFailedTests + result.numRuntimeErrorTestSuites;
    return {
      passed: result.numPassedTests,
      failed: code === 0 ? failed : Math.max(failed, 1),
      skipped: result.numPendingTests + result.numTodoTests,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function readResult(file: string): JestResult {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as JestResult;
  } catch {
    return { numPassedTests: 0, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0, numRuntimeErrorTestSuites: 1 };
  }
}

async function main(): Promise<void> {
  const failures: string[] = [];
  for (const { heading, script } of CHECKS) {
    if (!(await timed(heading, async () => (await npmRun(script)) === 0))) failures.push(heading);
  }
  let tests: Tally = { passed: 0, failed: 0, skipped: 0 };
  await timed('tests', async () => {
    tests = await runJest(process.argv.slice(2));
    return tests.failed === 0 && tests.passed > 0;
  });
  const noneRan = tests.passed + tests.failed === 0;
  if (noneRan) console.log('No test ran.');
  const leftOut = SERVER_NAMES.filter((name) => !wantedServers().has(name));
  if (leftOut.length > 0) console.log(`\nTEST_SERVERS LEFT OUT ${leftOut.join(', ')}: what needs them was NOT tested.`);
  if (failures.length > 0) console.log(`\nFailed checks: ${failures.join('; ')}`);
  const passed = tests.passed + CHECKS.length - failures.length;
  const failed = tests.failed + failures.length + (noneRan ? 1 : 0);
  console.log(`\n${passed} passed, ${failed} failed${tests.skipped > 0 ? `, ${tests.skipped} skipped` : ''}`);
  process.exitCode = failed > 0 ? 1 : 0;
}

await main();
