import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { SECOND, type Milliseconds } from '../../src/units.js';
import { metric, until } from '../support/race.js';
import { RENEWAL_PATIENCE } from './bounds.js';
import { Board } from './board.js';
import { feedFaults } from './feed-faults.js';
import { FeedWatch } from './feed-watch.js';
import { gatewayFaults } from './gateway-faults.js';
import { runLane } from './lane.js';
import { checkKept } from './look-up.js';
import { runOutside } from './outside.js';
import { wayToDatabaseFaults, wayToRedisFaults } from './network-faults.js';
import type { CheckOptions } from './options.js';
import { runReader } from './reader.js';
import { redisFaults } from './redis-faults.js';
import type { Report } from './report.js';
import { Settler } from './settler.js';
import { openWorld, randomFor, type World } from './world.js';
import { runWriter } from './writer.js';

const READERS_PER_GATEWAY = 6;
const WRITERS = 6;
const OUTSIDE_WRITERS = 4;
const PROGRESS: Milliseconds = 15 * SECOND;

/** Starts everything, lets it run until enough was read under every fault, and ends everything. `say` gets lines of progress. */
export async function runCheck(options: CheckOptions, say: (line: string) => void): Promise<Report> {
  const over = new AbortController();
  setMaxListeners(0, over.signal);
  const closing: (() => Promise<void>)[] = [];
  try {
    const world = await openWorld(options, over.signal, closing);
    const loops = traffic(world);
    const ended = Promise.all(loops);
    try {
      await Promise.race([ended, enough(world, say)]);
    } finally {
      over.abort();
      await Promise.allSettled(loops);
    }
    if (!options.bug) {
      await healed(world);
      await checkKept(world);
    }
    return world.report;
  } finally {
    for (const close of closing.reverse()) await close();
  }
}

/** Whether a check without a bug has shown what it is for. */
export function isPassed(report: Report, { reads }: CheckOptions): boolean {
  return report.violations.length === 0 && report.reads >= reads && report.missingFaults.length === 0;
}

/** Readers, writers and faults, until the check is over. */
function traffic(world: World): Promise<void>[] {
  const randomOf = (part: string) => randomFor(world.options, part);
  const settler = new Settler(world);
  const feed = new FeedWatch(world);
  const board = new Board(world, settler);
  const many = (count: number, start: (index: number) => Promise<void>) =>
    Array.from({ length: count }, (_, index) => start(index));
  const gateways = randomOf('gateway faults');
  const database = randomOf('database faults');
  const redis = randomOf('redis faults');
  return [
    settler.run(),
    feed.run(),
    ...many(READERS_PER_GATEWAY * world.instances.length, (index) => runReader(world, randomOf(`reader ${index}`))),
    ...many(WRITERS, (index) => runWriter(world, settler, randomOf(`writer ${index}`))),
    ...many(OUTSIDE_WRITERS, (index) => runOutside(world, feed, randomOf(`other program ${index}`))),
    ...many(world.instances.length, (index) => board.read(randomOf(`board reader ${index}`))),
    board.change(randomOf('board writer')),
    runLane(
      world,
      {
        ...gatewayFaults(world, settler, gateways),
        ...feedFaults(world, feed, gateways),
        ...wayToRedisFaults(world, gateways),
      },
      gateways,
    ),
    runLane(world, wayToDatabaseFaults(world, database), database),
    runLane(world, redisFaults(world, redis), redis),
  ];
}

/** Ends when all was read and every fault was there, with a bug at the first violation, and at the limit. */
async function enough({ options, report }: World, say: (line: string) => void): Promise<void> {
  const end = performance.now() + options.limit;
  let next = performance.now() + PROGRESS;
  while (performance.now() < end) {
    if (options.bug ? report.violations.length > 0 : report.reads >= options.reads && report.missingFaults.length === 0) return;
    if (performance.now() > next) {
      say(`${report.reads} reads checked, ${report.violations.length} violations`);
      next += PROGRESS;
    }
    await sleep(100);
  }
}

/** When all faults have ended, every gateway must find back by itself. */
async function healed({ instances, report }: World): Promise<void> {
  const isHealed = async ({ process }: World['instances'][number]): Promise<boolean> => {
    // A request makes the breaker try again.
    await process.get('/readyz');
    const values = await Promise.all(['mes_store_available', 'mes_pending_renewals'].map((name) => metric(process, name)));
    return values[0] === 1 && values[1] === 0;
  };
  for (const instance of instances) {
    await until('healed', () => isHealed(instance), RENEWAL_PATIENCE).catch(() =>
      report.violation(`VIOLATION: ${instance.name} must use Redis again and have nothing pending after all faults`),
    );
  }
}
