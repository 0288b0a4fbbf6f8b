import type { Report } from './report.js';

const UNHANDLED =
  /unhandled|uncaught|"level":60|TypeError|ReferenceError|RangeError|MaxListenersExceeded|ERR_HTTP_HEADERS_SENT|ERR_STREAM/i;

/** What a gateway prints is for its operator; errors that nobody handled are not among it. */
export function checkOutput(report: Report, name: string, output: string): void {
  const lines = output.split('\n').filter((line) => UNHANDLED.test(line));
  if (lines.length === 0) return;
  report.violation(
    `VIOLATION: ${name} printed an error that nobody handled`,
    ...lines.slice(0, 3).map((line) => line.slice(0, 1_500)),
  );
}
