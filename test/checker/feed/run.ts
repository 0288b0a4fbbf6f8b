import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { SECOND, type Milliseconds } from '../../../src/units.js';
import { until } from '../../support/race.js';
import { findLeader, killLeaders } from './killer.js';
import type { FeedCheckOptions } from './options.js';
import { Probe } from './probe.js';
import type { FeedReport } from './report.js';
import { compareAllWindows, readWindows, Watcher } from './watcher.js';
import { MISSED_AFTER, openWorld, randomFor, type FeedWorld } from './world.js';
import { runWriters } from './writers.js';

const PROGRESS: Milliseconds = 15 * SECOND;
const LEADER_PATIENCE: Milliseconds = 15 * SECOND;

/** Starts everything, has the changes made and followed, and ends everything. `say` gets lines of progress. */
export async function runFeedCheck(options: FeedCheckOptions, say: (line: string) => void): Promise<FeedReport> {
  const written = new AbortController();
  setMaxListeners(0, written.signal);
  const closing: (() => Promise<void>)[] = [];
  try {
    const world = await openWorld(options, written.signal, closing);
    const watcher = new Watcher(world);
    const watching = watcher.run();
    const probe = await Probe.open(world);
    closing.push(() => probe.close());
    try {
      await fillCaches(world, watcher);
      await underLoad(world, watcher, probe, written, say);
      await until('every change is shown or given up', () => watcher.isDone, 2 * MISSED_AFTER);
    } finally {
      written.abort();
      watcher.end();
      await watching;
    }
    await until('a leader', async () => (await findLeader(world)) !== undefined, LEADER_PATIENCE);
    await probe.runInCalm(randomFor(options, 'calm probe'));
    await compareAllWindows(world);
    return world.report;
  } finally {
    for (const close of closing.reverse()) await close();
  }
}

/** Every order and every window, through every gateway. */
async function fillCaches(world: FeedWorld, watcher: Watcher): Promise<void> {
  watcher.watch(world.subjects);
  await until('all caches are filled', () => watcher.isDone, 2 * MISSED_AFTER);
  await compareAllWindows(world);
  await until('a leader', async () => (await findLeader(world)) !== undefined, LEADER_PATIENCE);
}

async function underLoad(
  world: FeedWorld,
  watcher: Watcher,
  probe: Probe,
  written: AbortController,
  say: (line: string) => void,
): Promise<void> {
  const { options, report } = world;
  const beside = Promise.all([
    killLeaders(world, randomFor(options, 'kills')),
    readWindows(world, randomFor(options, 'windows')),
    probe.runUnderLoad(randomFor(options, 'probe')),
    progress(world, say),
  ]);
  try {
    await Promise.race([runWriters(world, watcher), beside]);
  } finally {
    written.abort();
  }
  await beside;
  say(`${report.changes} changes committed; waiting until all are shown`);
}

async function progress({ report, written }: FeedWorld, say: (line: string) => void): Promise<void> {
  let next = performance.now() + PROGRESS;
  while (!written.aborted) {
    await sleep(100);
    if (performance.now() < next) continue;
    say(`${report.changes} changes, ${report.kills} kills, ${report.late.length} late, ${report.missed.length} missed`);
    next += PROGRESS;
  }
}
