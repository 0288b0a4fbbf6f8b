import type { EpochMilliseconds } from '../../src/units.js';
import type { Contestant } from './contestants.js';
import { burst } from './load.js';
import { median, short, table } from './numbers.js';
import { windowRequest } from './operations.js';

export const CROWD = 500;

/** `CROWD` equal requests at the same moment for a window that nobody has asked for before; once for each of `windows`. */
export async function stampede(
  contestants: readonly Contestant[],
  windows: readonly EpochMilliseconds[],
  token: string,
): Promise<string> {
  const results = new Map(contestants.map(({ name }) => [name, [] as { time: number; statements: number; answers: number }[]]));
  for (const [round, window] of windows.entries()) {
    for (let turn = 0; turn < contestants.length; turn += 1) {
      // Another one begins each time.
      const { name, ports, statements } = contestants[(turn + round) % contestants.length]!;
      const before = await statements();
      const { time, bodies } = await burst(ports, CROWD, windowRequest(window, token));
      results.get(name)!.push({ time, statements: (await statements()) - before, answers: bodies.size });
    }
  }
  const rows = [...results].map(([name, each]) => [
    name,
    short(Math.max(...each.map(({ statements }) => statements))),
    short(median(each.map(({ time }) => time))),
    each.every(({ answers }) => answers === 1) ? 'yes' : 'NO',
  ]);
  return table(['', 'SQL statements (worst)', 'last answer after ms', 'all equal'], rows);
}
