import { rest } from '../checker/rest.js';
import type { Milliseconds } from '../../src/units.js';
import type { Instance } from './instance.js';
import type { World } from './world.js';

const LOOK_EACH: Milliseconds = 250;
const EVICTIONS = 'mes_file_disk_evictions_total';
const CORRUPT = 'mes_file_disk_corrupt_total';
const REFUSALS = 'mes_file_disk_errors_total';
const READS = 'mes_file_origin_reads_total';
const COUNTERS = [EVICTIONS, CORRUPT, REFUSALS, READS];

type Counts = ReadonlyMap<string, number>;

/** Adds up what the gateways count, over all their lives but for the last moments of those that are killed. */
export class Gauges {
  readonly sums = new Map<string, number>(COUNTERS.map((name) => [name, 0]));
  private readonly last = new Map<string, Counts>();

  constructor(private readonly world: World) {}

  async run(): Promise<void> {
    const { over, instances } = this.world;
    while (!over.aborted) {
      const moved = await Promise.all(instances.filter(({ isUp }) => isUp).map((instance) => this.look(instance)));
      this.note(moved.filter((each) => each !== undefined));
      await rest(LOOK_EACH, over);
    }
  }

  /** By how much each counter has grown since the last look. */
  private async look(instance: Instance): Promise<{ readonly instance: Instance; readonly by: Counts } | undefined> {
    const { name } = instance;
    const text = await instance.process.get('/metrics').then(
      (answer) => answer.text(),
      () => undefined,
    );
    if (text === undefined || instance.name !== name) return undefined;
    const counts = new Map(
      COUNTERS.map((counter) => [counter, Number(new RegExp(`^${counter} (.+)$`, 'm').exec(text)?.[1] ?? 0)]),
    );
    const before = this.last.get(name);
    this.last.set(name, counts);
    return { instance, by: new Map([...counts].map(([counter, count]) => [counter, count - (before?.get(counter) ?? 0)])) };
  }

  private note(moved: readonly { readonly instance: Instance; readonly by: Counts }[]): void {
    const { report, hosts } = this.world;
    const grew = (counter: string) => moved.filter(({ by }) => (by.get(counter) ?? 0) > 0);
    for (const { by } of moved) for (const [counter, count] of by) this.sums.set(counter, (this.sums.get(counter) ?? 0) + count);
    if (grew(CORRUPT).length > 0) report.fault('corrupt-slice-found');
    if (grew(REFUSALS).length > 0) report.fault('disk-refused');
    const evicting = grew(EVICTIONS);
    if (hosts.some((host) => evicting.filter(({ instance }) => instance.host === host).length > 1))
      report.fault('two-evicted-at-once');
  }
}
