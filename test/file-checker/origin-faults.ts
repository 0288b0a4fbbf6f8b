import { chmodSync } from 'node:fs';
import { between, pick, type Random } from '../../src/embedded/random.js';
import { rest } from '../checker/rest.js';
import { LONGEST_STOP } from './bounds.js';
import type { Act, Acts } from './lane.js';
import { ORIGIN_FAULTS, type OriginFault } from './origin-proxy.js';
import { mayUse } from './plain-user.js';
import type { World } from './world.js';

/** What happens to the store of files, or on the way to it. */
export function originFaults(world: World, random: Random): Acts {
  const { root, over, originTrouble } = world;
  const during = (work: Act): Act => {
    return async () => {
      originTrouble.begin();
      try {
        return await work();
      } finally {
        originTrouble.end();
      }
    };
  };
  if (root === undefined) {
    return Object.fromEntries(ORIGIN_FAULTS.map((kind) => [`origin-${kind}`, during(() => badAnswers(world, kind, random))]));
  }
  return {
    'origin-away': during(async () => {
      chmodSync(root, 0o000);
      const isAway = !mayUse(root, 'r');
      await rest(between(random, 500, LONGEST_STOP), over);
      chmodSync(root, 0o755);
      return isAway;
    }),
  };
}

/** For one gateway, or for all. */
async function badAnswers({ instances, over }: World, kind: OriginFault, random: Random): Promise<boolean> {
  const all = instances.flatMap(({ origin }) => origin ?? []);
  const hit = random() < 0.5 ? [pick(random, all)] : all;
  const done = (): number => hit.reduce((sum, origin) => sum + (origin.done.get(kind) ?? 0), 0);
  const before = done();
  const share = 0.2 + 0.8 * random();
  for (const origin of hit) origin.fault = { kind, share };
  await rest(between(random, 500, LONGEST_STOP), over);
  for (const origin of hit) origin.fault = undefined;
  return done() > before;
}
