import { readFile } from 'node:fs/promises';
import { hasCode } from './error-code.js';

/**
 * Names one run of a process. A process id alone is reused; together with the start time, where the system tells it
 * (Linux), it is not. Elsewhere `startedAt` is empty.
 */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startedAt: string;
}

/** The identity of the process that runs under this id now, also one of another user; `null` if there is none. */
export async function identifyProcess(pid: number): Promise<ProcessIdentity | null> {
  if (!idTaken(pid)) return null;
  const fields = await statFields(pid);
  return fields[0] === 'Z' ? null : { pid, startedAt: fields[19] ?? '' };
}

/** Whether that very process still runs. */
export async function stillRuns(identity: ProcessIdentity): Promise<boolean> {
  const current = await identifyProcess(identity.pid);
  return current !== null && current.startedAt === identity.startedAt;
}

/** The command line of a process, its arguments separated by spaces; `null` where the system does not tell. */
export async function commandLine(pid: number): Promise<string | null> {
  const text = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => null);
  return text === null ? null : text.replaceAll('\0', ' ');
}

function idTaken(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return hasCode(error, 'EPERM');
  }
}

/**
 * /proc/<pid>/stat from its third field on (proc(5)): 0 is the state ("Z": ended, but not collected by its parent), 19 the start
 * in ticks since boot. Counted from behind the name in parentheses, which may hold anything.
 */
async function statFields(pid: number): Promise<string[]> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return text === '' ? [] : text.slice(text.lastIndexOf(')') + 2).split(' ');
}
