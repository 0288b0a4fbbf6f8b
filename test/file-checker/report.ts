import { MIB, SECOND, type Bytes } from '../../src/units.js';
import type { SourceKind } from './options.js';

const EVERYWHERE = [
  'gateway-killed',
  'gateway-killed-in-a-fill',
  'gateway-ended',
  'gateway-stopped',
  'redis-frozen',
  'redis-unreachable-for-one',
  'redis-killed',
  'redis-flushed',
  'cache-bytes-flipped',
  'cache-files-cut',
  'cache-headers-destroyed',
  'cache-files-deleted',
  'cache-folder-removed',
  'cache-folder-read-only',
  'cache-disk-full',
  // What the gateways made of it, as they count it themselves.
  'corrupt-slice-found',
  'disk-refused',
  'two-evicted-at-once',
] as const;
const OF_S3 = ['origin-slow', 'origin-503', 'origin-reset', 'origin-cut-short', 'origin-wrong-length', 'origin-stalled'] as const;
const OF_FOLDER = ['origin-away'] as const;

export type Fault = (typeof EVERYWHERE | typeof OF_S3 | typeof OF_FOLDER)[number];

/** Everything that a check does to the system; a check that did not do all of it is not one. */
export function faultsOf(source: SourceKind): Fault[] {
  return [...EVERYWHERE, ...(source === 's3' ? OF_S3 : OF_FOLDER)];
}

/** Why an answer may fail, or end early. */
export type Reason = 'gateway down or stopped' | 'store of files disturbed' | 'cache folder disturbed' | 'file changed meanwhile';

const SHOWN = 3;

/** What a check has seen. */
export class Report {
  readonly faults = new Map<Fault, number>();
  /** Faults that this machine does not let happen, and why. */
  readonly impossible = new Map<Fault, string>();
  readonly tiers = new Map<string, number>();
  readonly answers = new Map<string, number>();
  readonly failures = new Map<Reason, number>();
  readonly changes = new Map<string, number>();
  /** Parts of the gateway that it does not have. */
  readonly absent: string[] = [];
  readonly notes: string[] = [];
  readonly violations: string[][] = [];
  /** How many of the violations are answers that are not of a valid version. */
  wrongAnswers = 0;
  private readonly phases = new Map<string, { answered: number; failed: number }>();
  private readonly began = performance.now();
  downloads = 0;
  bytes: Bytes = 0;

  constructor(private readonly wanted: readonly Fault[]) {}

  get missingFaults(): Fault[] {
    return this.wanted.filter((fault) => !this.faults.has(fault) && !this.impossible.has(fault));
  }

  fault(kind: Fault): void {
    increase(this.faults, kind);
  }

  /** An answer that was right; `bytes`: of a body that was compared whole. */
  answered(kind: string, tier: string | undefined, bytes: Bytes | undefined): void {
    increase(this.answers, kind);
    if (bytes === undefined) return;
    this.downloads += 1;
    this.bytes += bytes;
    increase(this.tiers, tier ?? 'not told');
  }

  failed(reason: Reason): void {
    increase(this.failures, reason);
  }

  changed(how: string): void {
    increase(this.changes, how);
  }

  /** What became of a request that was made while `faults` went on. */
  asked(faults: Iterable<string>, isAnswered: boolean): void {
    for (const name of ['(all)', ...faults]) {
      const phase = this.phases.get(name) ?? { answered: 0, failed: 0 };
      phase[isAnswered ? 'answered' : 'failed'] += 1;
      this.phases.set(name, phase);
    }
  }

  wrongAnswer(...lines: string[]): void {
    this.wrongAnswers++;
    this.violation(...lines);
  }

  violation(...lines: string[]): void {
    this.violations.push(lines);
  }

  /** The report for a person. */
  lines(seed: string): string[] {
    const shares = [...this.phases].map(([name, { answered, failed }]) => {
      const all = answered + failed;
      return `  ${name}: ${((100 * answered) / all).toFixed(2)} % of ${all}`;
    });
    return [
      `seed ${seed}, ${((performance.now() - this.began) / SECOND).toFixed(0)} s`,
      `downloads compared: ${this.downloads}, ${(this.bytes / MIB).toFixed(0)} MiB`,
      `  by Cache-Status: ${listed(this.tiers)}`,
      `right answers: ${listed(this.answers)}`,
      `failed answers, each with a reason: ${listed(this.failures)}`,
      `changes: ${listed(this.changes)}`,
      `faults: ${listed(this.faults)}`,
      ...[...this.impossible].map(([fault, why]) => `fault that could not be had: ${fault} (${why})`),
      ...this.absent.map((part) => `the gateway does not have: ${part}`),
      ...this.notes,
      'answered, by the faults that went on meanwhile (one request may count in several):',
      ...shares,
      `${this.violations.length} wrong`,
      ...this.violations.slice(0, SHOWN).flat(),
    ];
  }
}

function listed(counts: ReadonlyMap<string, number>): string {
  return [...counts].map(([name, count]) => `${name} ${count}`).join(', ') || 'none';
}

function increase<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
