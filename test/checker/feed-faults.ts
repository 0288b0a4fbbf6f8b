import { between, type Random } from '../../src/embedded/random.js';
import type { FeedWatch } from './feed-watch.js';
import type { Instance } from './instance.js';
import type { Act } from './lane.js';
import { planAny } from './plan.js';
import { read } from './reader.js';
import { rest } from './rest.js';
import type { World } from './world.js';

/** Longer than a leader may do nothing while changes wait for it. */
const STOPPED = { least: 6_100, most: 8_000 };
const WITHIN_STOP = 2;

/** What happens to the gateway that leads the feed. */
export function feedFaults(world: World, feed: FeedWatch, random: Random) {
  const { book, over } = world;
  const leading = (work: (leader: Instance) => Promise<void>): Act => {
    return async () => {
      const [leader] = await feed.leaders();
      if (!leader) await rest(300, over);
      else await work(leader);
      return leader !== undefined;
    };
  };
  return {
    'feed-leader-killed': leading(async (leader) => {
      await leader.kill();
      await rest(between(random, 0, 2_000), over);
      await leader.revive();
    }),
    /** Some ask it meanwhile; they are answered when it goes on. */
    'feed-leader-stopped': leading(async (leader) => {
      const asked: Promise<void>[] = [];
      await leader.whileStopped(async () => {
        for (let left = WITHIN_STOP; left > 0; left -= 1) asked.push(read(world, leader, planAny(book, random)));
        await rest(between(random, STOPPED.least, STOPPED.most), over);
      });
      await Promise.all(asked);
    }),
  } satisfies Record<string, Act>;
}
