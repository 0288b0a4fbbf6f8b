import { join } from 'node:path';
import { MINUTE, SECOND, type Bytes, type Milliseconds, type Seconds } from '../../src/units.js';
import { programsOf } from '../../test/support/servers/packages.js';
import { run, tryRun } from '../../test/support/servers/run.js';

export interface WrkLoad {
  readonly url: string;
  readonly headers: readonly string[];
  readonly connections: number;
  readonly seconds: Seconds;
  /** Words before the command. */
  readonly before: readonly string[];
}

export interface WrkResult {
  readonly seconds: Seconds;
  readonly requests: number;
  /** With heads, and with answers that had only partly arrived at the end. */
  readonly bytes: Bytes;
  /** Statuses of 400 and more, broken connections, answers that took longer than half a minute. */
  readonly failures: number;
  readonly p50: Milliseconds;
  readonly p99: Milliseconds;
  /** That wrk used itself. */
  readonly cpu: Seconds;
}

const SCRIPT = join(import.meta.dirname, 'wrk-report.lua');
/** A shell tells the processor time of what it ran. */
const TIMED = '"$@"; code=$?; times >&2; exit $code';

/** One wrk with one thread, each connection sending its next request when it has its answer. @throws when it cannot run */
export async function runWrk({ url, headers, connections, seconds, before }: WrkLoad): Promise<WrkResult> {
  const { paths, env } = await programsOf('wrk');
  const load = ['-t', '1', '-c', String(connections), '-d', `${seconds}s`, '--timeout', '30s', '-s', SCRIPT];
  const words = [...before, paths['wrk'] as string, ...load, ...headers.flatMap((header) => ['-H', header]), url];
  const ran = await tryRun('sh', ['-c', TIMED, 'sh', ...words], { env, timeout: seconds * SECOND + MINUTE });
  if (ran.code !== 0) throw new Error(`wrk ended with exit code ${ran.code}: ${ran.stdout}${ran.stderr}`);
  return parseWrk(ran.stdout, ran.stderr);
}

export async function wrkVersion(): Promise<string> {
  const { paths, env } = await programsOf('wrk');
  const printed = await run('sh', ['-c', '"$0" -v || true', paths['wrk'] as string], { env });
  return /^wrk (\S+)/m.exec(printed)?.[1] ?? 'unknown';
}

/** @throws when there is no result in what was printed */
export function parseWrk(stdout: string, times: string): WrkResult {
  const line = /^\{"duration".*\}$/m.exec(stdout)?.[0];
  // The second line is of the shell's children: user and system time.
  const children = /^\S+ \S+\n(\d+)m([\d.]+)s (\d+)m([\d.]+)s/m.exec(times);
  if (line === undefined || !children)
    throw new Error(`wrk must print its counts and the shell its times, but got: ${stdout}${times}`);
  const { duration, requests, bytes, failures, p50, p99 } = JSON.parse(line) as Record<string, number>;
  const [userMinutes, user, systemMinutes, system] = children.slice(1).map(Number) as [number, number, number, number];
  const seconds = (microseconds: number | undefined): Seconds => Number(microseconds) / 1e6;
  return {
    seconds: seconds(duration),
    requests: Number(requests),
    bytes: Number(bytes),
    failures: Number(failures),
    p50: seconds(p50) * SECOND,
    p99: seconds(p99) * SECOND,
    cpu: (userMinutes + systemMinutes) * 60 + user + system,
  };
}
