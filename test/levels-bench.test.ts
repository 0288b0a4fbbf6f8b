import { PRICES } from '../bench/windows/prices.js';
import { windowsReport, type NamedRun } from '../bench/windows/report.js';
import { play } from '../bench/windows/run.js';
import { createTraces } from '../bench/windows/traces.js';
import { LEVELS } from '../bench/windows/world.js';
import type { WindowPolicy } from '../src/config-values.js';
import { MINUTE } from '../src/units.js';

describe('npm run bench:windows, shortened', () => {
  const traces = createTraces('test', 8 * MINUTE);
  const run = async (name: string, policy: WindowPolicy): Promise<NamedRun> => ({
    name,
    ...(await play(traces, PRICES, policy)),
  });
  const costOf = ({ phases }: NamedRun): number => phases.reduce((sum, { cost }) => sum + cost, 0);

  test('levels that adapt cost less than each that is fixed, and answers are right', async () => {
    const fixed: NamedRun[] = [];
    for (const level of LEVELS) fixed.push(await run(String(level), { kind: 'fixed', level }));
    const adaptive = await run('adaptive', { kind: 'adaptive' });
    expect(adaptive.switches).toBeGreaterThan(0);
    for (const each of fixed) expect(costOf(adaptive)).toBeLessThan(costOf(each));
    // It is told when that is not so.
    const [worst] = fixed;
    expect(windowsReport([...fixed.slice(1), { ...worst!, name: 'adaptive' }]).problems).not.toEqual([]);
    // What is measured comes near what is true; look-ups at the same moment are counted with each other's time.
    const { statement, row, lookup } = adaptive.measured;
    expect(statement).toBeCloseTo(PRICES.statement, 0);
    expect(row / PRICES.row).toBeCloseTo(1, 0);
    expect(lookup / PRICES.lookup).toBeGreaterThan(0.5);
    expect(lookup / PRICES.lookup).toBeLessThan(2);
  }, 120_000);

  test('is the same for the same seed', async () => {
    const [first, second] = [createTraces('same', MINUTE), createTraces('same', MINUTE)];
    expect(first).toEqual(second);
    const results = await Promise.all([first, second].map((each) => play(each, PRICES, { kind: 'adaptive' })));
    expect(results[0]).toEqual(results[1]);
  });
});
