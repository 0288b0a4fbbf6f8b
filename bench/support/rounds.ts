import type { Milliseconds } from '../../src/units.js';
import { BASELINE, type Contestant } from './contestants.js';
import { closedLoop } from './load.js';
import { median, quantile, short, table } from './numbers.js';
import { takesPart, type Scenario } from './scenarios.js';
import type { Writer } from './writer.js';

export interface Timing {
  readonly rounds: number;
  readonly warmUp: Milliseconds;
  readonly duration: Milliseconds;
  readonly connections: number;
}

/** What one round of one scenario gave for one contestant. */
interface Measured {
  readonly rate: number;
  readonly p50: Milliseconds;
  readonly p99: Milliseconds;
  /** Per 1000 requests. */
  readonly statements: number;
  readonly failures: number;
  readonly staleReads: number;
  readonly checkedReads: number;
  readonly failedMutations: number;
}

/** Contestant → its rounds. */
type Results = ReadonlyMap<string, Measured[]>;

/**
 * All rounds of all scenarios. Contestants take turns within each round, and another one begins each time, so that what else
 * happens on the machine hits all of them alike.
 */
export async function runRounds(
  scenarios: readonly Scenario[],
  contestants: readonly Contestant[],
  writers: ReadonlyMap<Contestant, Writer>,
  timing: Timing,
  say: (line: string) => void,
): Promise<ReadonlyMap<Scenario, Results>> {
  const all = new Map(scenarios.map((scenario) => [scenario, new Map<string, Measured[]>()]));
  for (let round = 0; round < timing.rounds; round += 1) {
    for (const [scenario, results] of all) {
      say(`round ${round + 1} of ${timing.rounds}: ${scenario.name}`);
      for (let turn = 0; turn < contestants.length; turn += 1) {
        const contestant = contestants[(turn + round) % contestants.length]!;
        if (!takesPart(contestant, scenario)) continue;
        const measured = await measure(scenario, contestant, writers.get(contestant)!, timing, round);
        results.set(contestant.name, [...(results.get(contestant.name) ?? []), measured]);
      }
    }
  }
  return all;
}

async function measure(
  scenario: Scenario,
  { ports, statements }: Contestant,
  writer: Writer,
  { warmUp, duration, connections }: Timing,
  round: number,
): Promise<Measured> {
  const port = ports[0]!;
  await closedLoop(port, connections, warmUp, scenario.shots(writer, `warm-up ${round}`));
  const before = { statements: await statements(), ...counts(writer) };
  const load = await closedLoop(port, connections, duration, scenario.shots(writer, `round ${round}`));
  const after = { statements: await statements(), ...counts(writer) };
  return {
    rate: load.requests / load.seconds,
    p50: quantile(load.latencies, 0.5),
    p99: quantile(load.latencies, 0.99),
    statements: ((after.statements - before.statements) / load.requests) * 1_000,
    failures: load.failures,
    staleReads: after.staleReads - before.staleReads,
    checkedReads: after.checkedReads - before.checkedReads,
    failedMutations: after.failedMutations - before.failedMutations,
  };
}

function counts({ staleReads, checkedReads, failedMutations }: Writer) {
  return { staleReads, checkedReads, failedMutations };
}

/** Medians of the rounds; ratios are to the baseline of the same round. */
export function report({ changes }: Scenario, results: Results): string {
  const baseline = results.get(BASELINE)!;
  const head = ['', 'requests/s', 'ratio', 'p50 ms', 'p99 ms', 'SQL per 1000', ...(changes ? ['stale answers'] : [])];
  const rows = [...results].map(([name, rounds]) => {
    const middle = (value: (one: Measured) => number): string => short(median(rounds.map(value)));
    const ratio = median(rounds.map(({ rate }, index) => rate / baseline[index]!.rate));
    const [stale, checked] = [total(rounds, 'staleReads'), total(rounds, 'checkedReads')];
    return [
      name,
      middle(({ rate }) => rate),
      `${ratio.toFixed(ratio < 10 ? 2 : 1)} ×`,
      middle(({ p50 }) => p50),
      middle(({ p99 }) => p99),
      middle(({ statements }) => statements),
      ...(changes
        ? [stale === 0 ? `0 of ${checked}` : `${stale} of ${checked} (${((100 * stale) / checked).toFixed(2)} %)`]
        : []),
    ];
  });
  const failed = [...results].flatMap(([name, rounds]) => {
    const count = total(rounds, 'failures') + total(rounds, 'failedMutations');
    return count > 0 ? [`${name}: ${count} failed requests`] : [];
  });
  return [table(head, rows), ...failed].join('\n');
}

function total(rounds: readonly Measured[], name: 'staleReads' | 'checkedReads' | 'failures' | 'failedMutations'): number {
  return rounds.reduce((sum, each) => sum + each[name], 0);
}
