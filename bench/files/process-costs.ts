import { readFileSync } from 'node:fs';
import { KIB, type Bytes, type Seconds } from '../../src/units.js';

/** Linux tells CPU time to programs in hundredths of a second, whatever its own tick is. */
const TICKS_PER_SECOND = 100;

/** User and system time in the text of `/proc/<pid>/stat`; the second field may hold anything, in brackets. */
export function cpuOf(stat: string): Seconds {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Resident memory in the text of `/proc/<pid>/status`. */
export function residentOf(status: string): Bytes {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * KIB;
}

/** Of all these processes with their threads so far; one that has ended counts as 0. */
export function cpuSeconds(pids: readonly number[]): Seconds {
  return sum(pids, 'stat', cpuOf);
}

/** Of all these processes now. Pages that they share count for each. */
export function residentBytes(pids: readonly number[]): Bytes {
  return sum(pids, 'status', residentOf);
}

function sum(pids: readonly number[], file: 'stat' | 'status', valueOf: (text: string) => number): number {
  return pids.reduce((total, pid) => total + valueFrom(`/proc/${pid}/${file}`, valueOf), 0);
}

function valueFrom(file: string, valueOf: (text: string) => number): number {
  try {
    return valueOf(readFileSync(file, 'utf8'));
  } catch {
    return 0;
  }
}
