import { between, type Random } from '../../src/embedded/random.js';
import { SECOND, type Milliseconds } from '../../src/units.js';
import { rest } from '../checker/rest.js';
import type { Fault } from './report.js';
import type { World } from './world.js';

/** Does a fault and ends it again. Answers whether what it is named for has really happened. */
export type Act = () => Promise<boolean>;
export type Acts = Readonly<Partial<Record<Fault, Act>>>;

const ATTEMPTS = 3;
/** Before the first fault: the caches fill. */
const CALM: Milliseconds = 2 * SECOND;

/**
 * Faults of one part of the system, one after the other, in an order that the seed decides: all kinds once with short
 * pauses, then again and again with longer ones. Lanes run beside each other, so that faults meet.
 */
export async function runLane(world: World, acts: Acts, random: Random): Promise<void> {
  const { over, report } = world;
  const kinds = (Object.entries(acts) as [Fault, Act][]).filter(([kind]) => !report.impossible.has(kind));
  await rest(CALM, over);
  for (let pass = 0; kinds.length > 0 && !over.aborted; pass += 1) {
    for (const [kind, act] of shuffled(kinds, random)) {
      await rest(pass === 0 ? between(random, 200, 500) : between(random, 2 * SECOND, 6 * SECOND), over);
      if (await happens(world, kind, act)) report.fault(kind);
    }
  }
}

/** Some need the right moment, and are tried again. */
async function happens({ faults, trouble, over }: World, kind: Fault, act: Act): Promise<boolean> {
  faults.add(kind);
  trouble.begin();
  try {
    for (let attempt = 0; attempt < ATTEMPTS && !over.aborted; attempt += 1) if (await act()) return true;
    return false;
  } finally {
    trouble.end();
    faults.delete(kind);
  }
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  return items
    .map((item) => ({ item, place: random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ item }) => item);
}
