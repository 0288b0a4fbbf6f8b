import { between, type Random } from '../../../src/embedded/random.js';
import { SECOND } from '../../../src/units.js';
import { metric } from '../../support/race.js';
import { rest } from '../rest.js';
import type { Place } from './place.js';
import type { FeedWorld } from './world.js';

/** Kills whoever leads the feed, at random moments, and starts another process in its place. */
export async function killLeaders(world: FeedWorld, random: Random): Promise<void> {
  const { written, report } = world;
  const pace = Math.min(1, world.options.changes / 5_000);
  while (!written.aborted) {
    await rest(pace * between(random, 3 * SECOND, 12 * SECOND), written);
    const leader = await findLeader(world);
    if (!leader) continue;
    await leader.kill();
    report.kills += 1;
    await rest(between(random, 0, 2 * SECOND), written);
    await leader.fill();
  }
}

export async function findLeader({ places }: FeedWorld): Promise<Place | undefined> {
  for (const place of places) if (place.isUp && (await leads(place))) return place;
  return undefined;
}

async function leads({ process }: Place): Promise<boolean> {
  return (await metric(process, 'mes_feed_leader').catch(() => 0)) === 1;
}
