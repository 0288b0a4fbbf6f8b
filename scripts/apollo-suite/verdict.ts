import { stripVTControlCharacters } from 'node:util';
import type { ExpectedFailure } from './expected.js';

/** What is read of the report that `jest --json` writes. */
export interface JestReport {
  readonly testResults: readonly { readonly message: string; readonly assertionResults: readonly JestResult[] }[];
}

export interface JestResult {
  readonly ancestorTitles: readonly string[];
  readonly title: string;
  /** `passed`, `failed`, `pending` (left out) and others. */
  readonly status: string;
  readonly failureMessages: readonly string[];
}

export interface Expectations {
  readonly failures: readonly ExpectedFailure[];
  readonly skips: { readonly tests: RegExp; readonly because: string };
}

export interface Verdict {
  /** The counts, and a table of all that did not pass. */
  readonly lines: readonly string[];
  /** Each test that did something else than was expected of it. */
  readonly problems: readonly string[];
}

/** Compares what became of each test with what was expected. @throws if no test was run */
export function verdictOf(report: JestReport, { failures, skips }: Expectations): Verdict {
  const results = report.testResults.flatMap(({ assertionResults }) => assertionResults);
  if (results.length === 0) throw new Error(report.testResults.map(({ message }) => message).join('\n') || 'no test was run');
  const expected = new Map(failures.map((each) => [each.test, each]));
  const skipped = results.filter(({ status }) => status !== 'passed' && status !== 'failed');
  const failed = results.filter(({ status }) => status === 'failed');
  const passed = results.filter(({ status }) => status === 'passed');
  const ran = new Set([...failed, ...passed].map(nameOf));
  const foundSkips = skipped.filter((each) => skips.tests.test(each.title));
  return {
    lines: [
      `${passed.length} passed, ${failed.length} failed, ${skipped.length} left out`,
      '',
      ...table([
        ...failed.map((each): Row => ['failed', nameOf(each), expected.get(nameOf(each))?.because ?? 'NOT EXPECTED']),
        ['left out', `${foundSkips.length} tests, by the suite itself`, skips.because],
      ]),
    ],
    problems: [
      ...failed.flatMap((each) => problemOf(each, expected.get(nameOf(each)))),
      ...passed.filter((each) => expected.has(nameOf(each))).map((each) => `passed, but was expected to fail: ${nameOf(each)}`),
      ...[...expected.keys()].filter((name) => !ran.has(name)).map((name) => `expected to fail, but was not run: ${name}`),
      ...skipped.filter((each) => !foundSkips.includes(each)).map((each) => `left out, which was not expected: ${nameOf(each)}`),
    ],
  };
}

function problemOf(result: JestResult, expected: ExpectedFailure | undefined): string[] {
  const message = stripVTControlCharacters(result.failureMessages.join('\n'));
  if (expected && message.includes(expected.shows)) return [];
  const what = expected ? `failed, but not by ${JSON.stringify(expected.shows)}` : 'failed';
  return [`${what}: ${nameOf(result)}\n${message}`];
}

function nameOf({ ancestorTitles, title }: JestResult): string {
  return [...ancestorTitles.slice(1), title].join(' › ');
}

type Row = readonly [result: string, test: string, because: string];

function table(rows: readonly Row[]): string[] {
  const all: readonly Row[] = [['result', 'test', 'because'], ...rows];
  const widths = [0, 1].map((column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  return all.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '));
}
