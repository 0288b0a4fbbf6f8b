import type { WindowPolicy } from '../../src/config-values.js';
import type { Prices } from '../../src/orders/level-cost.js';
import type { OrderArguments } from '../../src/loaders/order-reads.js';
import { PAGE_MAX } from '../../src/orders/page.js';
import { MINUTE } from '../../src/units.js';
import { createdIn } from '../../test/support/orders.js';
import type { Traces } from './traces.js';
import { World, type Counts } from './world.js';

/** So many events have one whose answer is compared. */
const CHECKED_EACH = 50;

export interface PhaseResult extends Counts {
  readonly name: string;
  /** By the prices that the world really has. */
  readonly cost: number;
}

export interface Run {
  readonly phases: readonly PhaseResult[];
  readonly switches: number;
  /** As the policy has measured them. */
  readonly measured: Prices;
}

/** Plays all phases, one after another, against one gateway. @throws if an answer is not what the database has */
export async function play({ start, orders, phases }: Traces, prices: Prices, policy: WindowPolicy): Promise<Run> {
  const world = new World(orders, start, prices, policy);
  const results: PhaseResult[] = [];
  let before = world.counts;
  for (const { name, events } of phases) {
    for (const [index, event] of events.entries()) {
      await world.until(event.at);
      if (event.kind === 'change') await world.change(event.order);
      else {
        const answers = await world.read(event.pages);
        if (index % CHECKED_EACH === 0) check(orders, start, event.pages, answers);
      }
    }
    const after = world.counts;
    const counts = {
      rows: after.rows - before.rows,
      statements: after.statements - before.statements,
      lookups: after.lookups - before.lookups,
    };
    results.push({ name, ...counts, cost: costOf(counts, prices) });
    before = after;
  }
  await world.close();
  return { phases: results, switches: world.levels.switches, measured: world.levels.meter.prices };
}

/** The windows of before `start`: what has happened while it was read makes later ones differ. */
function check(orders: Traces['orders'], start: number, pages: readonly OrderArguments[], answers: readonly string[][]): void {
  for (const [index, { createdBy = Infinity, window = 60 }] of pages.entries()) {
    const range = { from: createdBy, to: createdBy + window * MINUTE };
    if (range.to > start) continue;
    const expected = createdIn(orders, range).slice(0, PAGE_MAX);
    if (expected.map(({ id }) => id).join() !== answers[index]?.join()) throw new Error('an answer is not what the database has');
  }
}

export function costOf({ rows, statements, lookups }: Counts, { statement, row, lookup }: Prices): number {
  return statements * statement + rows * row + lookups * lookup;
}
