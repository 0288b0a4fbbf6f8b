import { short, table } from '../support/numbers.js';
import type { PhaseResult, Run } from './run.js';

/** The most that the adaptive policy may cost in a phase, as a share of the best fixed level. */
export const PHASE_MAX = 1.1;

export interface NamedRun extends Run {
  readonly name: string;
}

/** Each phase and the sum, for each policy; and where adaptive is not as good as promised. */
export function windowsReport(runs: readonly NamedRun[]): { text: string; problems: string[] } {
  const problems: string[] = [];
  const fixed = runs.filter(({ name }) => name !== 'adaptive');
  const names = [...(runs[0]?.phases.map(({ name }) => name) ?? []), 'all'];
  const rows = names.flatMap((phase) => {
    const best = Math.min(...fixed.map((run) => resultOf(run, phase).cost));
    return runs.map((run) => {
      const result = resultOf(run, phase);
      const most = phase === 'all' ? 1 : PHASE_MAX;
      if (run.name === 'adaptive' && result.cost > best * most)
        problems.push(`${phase}: ${percent(result.cost / best)} of the best`);
      const { statements, lookups, cost } = result;
      return [phase, run.name, short(result.rows), short(statements), short(lookups), short(cost), percent(cost / best)];
    });
  });
  const head = ['phase', 'level', 'rows loaded', 'statements', 'look-ups', 'cost ms', 'of the best fixed'];
  return { text: table(head, rows), problems };
}

function resultOf({ phases }: Run, name: string): PhaseResult {
  const found = phases.find((phase) => phase.name === name);
  if (found) return found;
  const sum = (of: (phase: PhaseResult) => number) => phases.reduce((total, phase) => total + of(phase), 0);
  return {
    name,
    rows: sum(({ rows }) => rows),
    statements: sum(({ statements }) => statements),
    lookups: sum(({ lookups }) => lookups),
    cost: sum(({ cost }) => cost),
  };
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
