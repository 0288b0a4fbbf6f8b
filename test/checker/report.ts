import { SECOND, type Milliseconds } from '../../src/units.js';

/** Everything that a check does to the system; a check that did not do all of it is not one. */
export const FAULTS = [
  'gateway-killed',
  'gateway-killed-after-commit',
  'gateway-killed-holding-lock',
  'redis-unreachable-for-one',
  'redis-slow-for-one',
  'redis-frozen',
  'redis-killed',
  'redis-restored',
  'redis-flushed',
  'tokens-deleted',
  'values-deleted',
  'database-dropped',
  'database-slow',
  'database-away',
  'clock-skewed',
  'levels-switched',
  'feed-leader-killed',
  'feed-leader-stopped',
  'outside-changed',
  'outside-bulk',
  'outside-moved',
  'outside-held-open',
  'outside-rolled-back',
] as const;
export type Fault = (typeof FAULTS)[number];

/** By which bound a read was checked; `exact` is the guarantee without exception. */
export const BOUNDS = ['exact', 'outside change on its way', 'pending or lost renewal', 'reused', 'stale'] as const;
export type Bound = (typeof BOUNDS)[number];

/** What became of a read. It may fail only when its process was killed, or its database was away. */
export type Fate = 'answered' | 'killed' | 'database';

interface Phase extends Record<Fate, number> {
  longest: Milliseconds;
}

const SHOWN = 3;

/** What a check has seen. */
export class Report {
  readonly bounds = new Map<Bound, number>(BOUNDS.map((bound) => [bound, 0]));
  readonly faults = new Map<Fault, number>(FAULTS.map((fault) => [fault, 0]));
  readonly outcomes = new Map<string, number>();
  readonly changes = { acknowledged: 0, pending: 0, doubtful: 0, refused: 0, outside: 0, followed: 0 };
  /** Lines of each violation; the first few in full. */
  readonly violations: string[][] = [];
  private readonly phases = new Map<string, Phase>();
  private readonly began = performance.now();
  orders = 0;

  get reads(): number {
    return [...this.bounds.values()].reduce((sum, count) => sum + count, 0);
  }

  get missingFaults(): Fault[] {
    return FAULTS.filter((fault) => this.faults.get(fault) === 0);
  }

  fault(kind: Fault): void {
    increase(this.faults, kind);
  }

  checked(bound: Bound, orders: number): void {
    increase(this.bounds, bound);
    this.orders += orders;
  }

  outcome(name: string, count: number): void {
    increase(this.outcomes, name, count);
  }

  violation(...lines: string[]): void {
    this.violations.push(lines);
  }

  /** What became of a read that was asked while `faults` went on. */
  asked(faults: Iterable<string>, fate: Fate, took: Milliseconds): void {
    for (const name of ['(all)', ...faults]) {
      const phase = this.phases.get(name) ?? { answered: 0, killed: 0, database: 0, longest: 0 };
      phase[fate] += 1;
      if (fate === 'answered') phase.longest = Math.max(phase.longest, took);
      this.phases.set(name, phase);
    }
  }

  /** The report for a person. */
  lines(seed: string): string[] {
    const { reads, changes } = this;
    const share = (count: number): string => `${((100 * count) / Math.max(1, reads)).toFixed(2)} %`;
    return [
      `seed ${seed}, ${((performance.now() - this.began) / SECOND).toFixed(0)} s`,
      `reads checked: ${reads}, with ${this.orders} orders in them`,
      ...[...this.bounds].map(([bound, count]) => `  by the bound "${bound}": ${count} (${share(count)})`),
      `changes: ${changes.acknowledged} acknowledged (${changes.pending} of them with Redis in doubt), ` +
        `${changes.doubtful} failed in doubt, ${changes.refused} refused`,
      `changes by other programs: ${changes.outside}, ${changes.followed} of them judged by the bound of the feed (the others only by the life of entries)`,
      `faults: ${listed(this.faults)}`,
      `outcomes: ${listed(this.outcomes)}`,
      'reads answered, by the faults that went on meanwhile (one read may count in several), and why not:',
      ...[...this.phases].map(([name, phase]) => `  ${name}: ${describe(phase)}`),
      `violations: ${this.violations.length}`,
      ...this.violations.slice(0, SHOWN).flat(),
    ];
  }
}

function describe({ answered, killed, database, longest }: Phase): string {
  const share = ((100 * answered) / (answered + killed + database)).toFixed(2);
  return `${share} % of ${answered + killed + database} (not: ${database} by the database, ${killed} by a kill), slowest ${longest.toFixed(0)} ms`;
}

function listed(counts: ReadonlyMap<string, number>): string {
  return [...counts].map(([name, count]) => `${name} ${count}`).join(', ');
}

function increase<K>(counts: Map<K, number>, key: K, by = 1): void {
  counts.set(key, (counts.get(key) ?? 0) + by);
}
