import type { Milliseconds } from '../../src/units.js';
import { median, quantile, table } from './numbers.js';
import type { Hit } from './steady.js';

export interface Phase {
  readonly name: string;
  /** `fault`: everything must still be answered. `database`: what is cached is answered. `return`: what failed is back. */
  readonly kind: 'calm' | 'fault' | 'database' | 'return';
  readonly from: Milliseconds;
  readonly to: Milliseconds;
}

/** A request of the load, and how it was answered. */
export interface ReadRecord {
  readonly dueAt: Milliseconds;
  readonly endedAt: Milliseconds;
  readonly latency: Milliseconds;
  /** `normal`: as if nothing were wrong. `degraded`: fresh, but past the cache. */
  readonly answered: 'normal' | 'degraded' | 'stale' | 'failed';
}

interface Answer {
  readonly data?: object | null;
  readonly errors?: readonly unknown[];
  readonly extensions?: {
    readonly cache?: { readonly stale: boolean; readonly outcomes: Record<string, Record<string, number>> };
  };
}

const BIN: Milliseconds = 100;
/** This many bins in a row must be as in calm times. */
const CALM_BINS = 5;

export function toRecord({ dueAt, endedAt, latency, answer }: Hit): ReadRecord {
  return { dueAt, endedAt, latency, answered: answer ? judge(answer.status, answer.body) : 'failed' };
}

function judge(status: number, body: Buffer): ReadRecord['answered'] {
  const { data, errors, extensions } = JSON.parse(body.toString()) as Answer;
  if (status !== 200 || errors || !data) return 'failed';
  const cache = extensions?.cache;
  if (cache?.stale) return 'stale';
  return cache?.outcomes['orders']?.['bypassed'] ? 'degraded' : 'normal';
}

export function outageReport(phases: readonly Phase[], reads: readonly ReadRecord[], mutations: readonly ReadRecord[]) {
  const calm = within(reads, phases[0]!).map(({ latency }) => latency);
  const usual = { middle: median(calm), worst: Math.max(...calm) };
  const problems: string[] = [];
  const rows = phases.map((phase) => {
    const here = within(reads, phase);
    const writes = within(mutations, phase);
    const sorted = here.map(({ latency }) => latency).sort((a, b) => a - b);
    const success = share(here, ({ answered }) => answered !== 'failed');
    const writeSuccess = share(writes, ({ answered }) => answered !== 'failed');
    const speedAfter = phase.kind === 'return' ? timeToFullSpeed(here, phase, usual.middle) : undefined;
    if (phase.kind === 'fault' && success < 1) problems.push(`reads failed: ${phase.name}`);
    if (phase.kind === 'fault' && writeSuccess < 1) problems.push(`mutations failed: ${phase.name}`);
    if (phase.kind === 'return' && speedAfter === undefined) problems.push(`not at full speed again: ${phase.name}`);
    return [
      phase.name,
      String(here.length),
      percent(success),
      percent(share(here, ({ answered }) => answered === 'degraded')),
      percent(share(here, ({ answered }) => answered === 'stale')),
      quantile(sorted, 0.5).toFixed(1),
      quantile(sorted, 0.99).toFixed(1),
      Math.max(0, sorted.at(-1)! - usual.middle).toFixed(0),
      speedAfter === undefined ? '' : speedAfter.toFixed(0),
      `${percent(writeSuccess)} of ${writes.length}`,
    ];
  });
  const head = [
    '',
    'reads',
    'answered',
    'past the cache',
    'marked stale',
    'p50 ms',
    'p99 ms',
    'worst added ms',
    'full speed after ms',
  ];
  return { text: table([...head, 'mutations answered'], rows), problems };
}

/** Until the first 100 ms from which on half a second is as in calm times: nothing degraded, median within twice the usual. */
function timeToFullSpeed(reads: readonly ReadRecord[], { from, to }: Phase, usual: Milliseconds): Milliseconds | undefined {
  const bins = Array.from({ length: Math.floor((to - from) / BIN) }, (_, index) =>
    reads.filter(({ dueAt }) => dueAt >= from + index * BIN && dueAt < from + (index + 1) * BIN),
  );
  const isCalm = (bin: readonly ReadRecord[]): boolean =>
    bin.every(({ answered }) => answered === 'normal') &&
    (bin.length === 0 || median(bin.map(({ latency }) => latency)) <= 2 * usual + 1);
  const first = bins.findIndex(
    (_, index) => index + CALM_BINS <= bins.length && bins.slice(index, index + CALM_BINS).every(isCalm),
  );
  return first < 0 ? undefined : first * BIN;
}

function within(records: readonly ReadRecord[], { from, to }: Phase): ReadRecord[] {
  return records.filter(({ dueAt }) => dueAt >= from && dueAt < to);
}

function share(records: readonly ReadRecord[], holds: (record: ReadRecord) => boolean): number {
  return records.length === 0 ? 1 : records.filter(holds).length / records.length;
}

function percent(value: number): string {
  return `${(value * 100).toFixed(value === 1 || value === 0 ? 0 : 2)} %`;
}
