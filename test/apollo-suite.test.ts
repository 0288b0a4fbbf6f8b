import { readFileSync } from 'node:fs';
import { verdictOf, type Expectations, type JestResult } from '../scripts/apollo-suite/verdict.js';
import type { Lock } from '../scripts/supply-chain/lock.js';

const EXPECTATIONS: Expectations = {
  failures: [{ test: 'http › says no', shows: 'Received: "no"', because: 'it must' }],
  skips: { tests: /later/, because: 'it is early' },
};
const EXPECTED = [result('says no', 'failed', 'Expected: "yes"\n\u001B[31mReceived: "no"\u001B[39m'), result('later', 'pending')];

function result(title: string, status: string, ...failureMessages: string[]): JestResult {
  return { ancestorTitles: ['integration tests', 'http'], title, status, failureMessages };
}

function judged(...assertionResults: JestResult[]) {
  return verdictOf({ testResults: [{ message: '', assertionResults }] }, EXPECTATIONS);
}

describe('the verdict on a run of the suite', () => {
  test('is good if exactly the expected tests failed, for the expected reason', () => {
    const { lines, problems } = judged(...EXPECTED, result('works', 'passed'));
    expect(problems).toEqual([]);
    expect(lines[0]).toBe('1 passed, 1 failed, 1 left out');
    expect(lines.join('\n')).toMatch(/failed +http › says no +it must/);
  });

  test.each([
    ['another failure', [...EXPECTED, result('works', 'failed', 'broken')], /^failed: http › works\nbroken/],
    [
      'a failure of another kind',
      [result('says no', 'failed', 'Received: 500')],
      /^failed, but not by .*: http › says no\nReceived: 500/,
    ],
    ['a failure that is none any more', [result('says no', 'passed')], /^passed, but was expected to fail: http › says no/],
    [
      'an expected failure that was left out',
      [result('says no', 'pending')],
      /^expected to fail, but was not run: http › says no/,
    ],
    ['an expected failure that is not there', [result('works', 'passed')], /^expected to fail, but was not run: http › says no/],
    ['a test left out', [...EXPECTED, result('works', 'pending')], /^left out, which was not expected: http › works/],
  ])('tells of %s', (_what, results, problem) => {
    expect(judged(...results).problems[0]).toMatch(problem);
  });

  test('is none if no test was run', () => {
    const report = { testResults: [{ message: 'Cannot find module', assertionResults: [] }] };
    expect(() => verdictOf(report, EXPECTATIONS)).toThrow('Cannot find module');
    expect(() => verdictOf({ testResults: [] }, EXPECTATIONS)).toThrow('no test was run');
  });
});

test('the suite is locked to one version of each package, by its hash', () => {
  const { packages } = JSON.parse(readFileSync('scripts/apollo-suite/packages/package-lock.json', 'utf8')) as Lock;
  const installed = Object.entries(packages).filter(([place]) => place !== '');
  expect(installed.filter(([, { integrity, resolved }]) => !integrity?.startsWith('sha512-') || resolved !== undefined)).toEqual(
    [],
  );
  expect(packages['node_modules/@apollo/server-integration-testsuite']?.version).toMatch(/^\d+\.\d+\.\d+$/);
});
