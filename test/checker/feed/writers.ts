import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { between, type Random } from '../../../src/embedded/random.js';
import type { Subject } from './subject.js';
import { runTransaction, STYLES, type Commits, type Style } from './transactions.js';
import type { Watcher } from './watcher.js';
import { randomFor, type FeedWorld } from './world.js';

/** Connections of each kind. */
const WRITERS = { common: 6, held: 3, bulk: 1 } as const;
/** Milliseconds between two transactions of one connection. */
const PAUSES = {
  common: { least: 0, most: 30 },
  held: { least: 0, most: 1_000 },
  bulk: { least: 300, most: 3_000 },
} as const;

/** Other programs, until enough is committed or the time is over. */
export async function runWriters(world: FeedWorld, watcher: Watcher): Promise<void> {
  const commits: Commits = { latestBegin: -Infinity };
  const kinds = Object.keys(WRITERS) as (keyof typeof WRITERS)[];
  const end = performance.now() + world.options.limit;
  await Promise.all(
    kinds.flatMap((kind) =>
      Array.from({ length: WRITERS[kind] }, (_, index) =>
        runWriter({ world, watcher, commits, kind, end, random: randomFor(world.options, `${kind} ${index}`) }),
      ),
    ),
  );
}

interface WriterParts {
  readonly world: FeedWorld;
  readonly watcher: Watcher;
  readonly commits: Commits;
  readonly kind: keyof typeof WRITERS;
  readonly end: number;
  readonly random: Random;
}

async function runWriter({ kind, end, ...parts }: WriterParts): Promise<void> {
  const { world, random } = parts;
  const client = new pg.Client({ connectionString: world.plant.url });
  await client.connect();
  try {
    while (world.report.changes < world.options.changes && performance.now() < end) {
      const subjects = takeFree(world, STYLES[kind], random);
      if (subjects.length > 0) {
        await runTransaction({ ...parts, client }, subjects, STYLES[kind]);
        if (kind === 'bulk') world.report.bulks += 1;
        if (kind === 'held') world.report.heldOpen += 1;
      }
      await sleep(between(random, PAUSES[kind].least, PAUSES[kind].most));
    }
  } finally {
    await client.end();
  }
}

/** Orders that nobody else changes, from a random place on; from now on they are busy. */
function takeFree({ subjects }: FeedWorld, { size }: Style, random: Random): Subject[] {
  const count = between(random, size.least, size.most);
  const start = Math.floor(random() * subjects.length);
  const free: Subject[] = [];
  for (let step = 0; step < subjects.length && free.length < count; step += 1) {
    const subject = subjects[(start + step * 7) % subjects.length]!;
    if (subject.busy) continue;
    subject.busy = true;
    free.push(subject);
  }
  return free;
}
