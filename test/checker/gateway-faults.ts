import { setTimeout as sleep } from 'node:timers/promises';
import { pick, type Random } from '../../src/embedded/random.js';
import { lockKeyOf } from '../../src/cache/fill-lock.js';
import { listTokenKey } from '../../src/orders/keys.js';
import { tileAt } from '../../src/orders/tiles.js';
import type { Milliseconds } from '../../src/units.js';
import type { Instance } from './instance.js';
import type { Act } from './lane.js';
import { planWindows } from './plan.js';
import { read } from './reader.js';
import type { Settler } from './settler.js';
import type { World } from './world.js';
import { changeOrders } from './writer.js';

/** For what must be seen to happen before the kill. */
const PATIENCE: Milliseconds = 400;
const POLL: Milliseconds = 5;

/** Whether `condition` gives true in time. A question that is not answered in time is a no. */
async function soon(condition: () => Promise<boolean>): Promise<boolean> {
  const deadline = performance.now() + PATIENCE;
  while (performance.now() < deadline) {
    const late = sleep(PATIENCE).then(() => false);
    if (await Promise.race([condition().catch(() => false), late])) return true;
    await sleep(POLL);
  }
  return false;
}

/** Gateways that die, each at another bad moment. Another process with another clock takes the place. */
export function gatewayFaults(world: World, settler: Settler, random: Random) {
  const { instances, plant, book, redis } = world;

  const killed = async (): Promise<boolean> => {
    const instance = pick(random, instances);
    await instance.kill();
    await instance.revive();
    return true;
  };

  /** Its way to Redis is closed, so that no renewal passes; it dies as soon as the database has committed. */
  const killedAfterCommit = async (): Promise<boolean> => {
    const instance = pick(random, instances);
    const [order] = book.changeable(random, 1);
    if (!order) return false;
    order.busy = true;
    const versionOf = async () =>
      Number((await plant.query('select version from orders where id = $1', [order.id]))[0]?.['version']);
    const known = await versionOf();
    instance.storeTrouble.begin();
    instance.store.pause();
    let acknowledged = false;
    const change = changeOrders(world, settler, instance, [order]).then((result) => (acknowledged = result));
    const committed = await soon(async () => (await versionOf()) > known);
    const inTime = committed && !acknowledged;
    await instance.kill();
    // What the proxy holds is lost, or the dead gateway's renewal would still arrive.
    instance.store.dropAll();
    instance.store.resume();
    instance.storeTrouble.end();
    await change;
    await instance.revive();
    return inTime;
  };

  /** It alone reads a cold window, and dies while its slow database makes it hold the lock; then others want the window. */
  const killedHoldingLock = async (): Promise<boolean> => {
    const instance = pick(random, instances);
    const from = await book.quietHour();
    const plan = planWindows(book, [{ from, minutes: 60 }]);
    const lock = lockKeyOf(listTokenKey({ kind: 'tile', tile: tileAt(from, 60) }));
    instance.databaseTrouble.begin();
    instance.database.setDelay({ downstream: 2 * PATIENCE });
    const reading = read(world, instance, plan);
    const held = await soon(async () => (await redis.cli('EXISTS', lock)) === '1');
    const dead = instance.kill();
    const others = instances.filter((each): each is Instance => each !== instance && each.isUp);
    await Promise.all([dead, reading, ...others.map((other) => read(world, other, plan))]);
    instance.settleDatabase();
    instance.databaseTrouble.end();
    await instance.revive();
    return held;
  };

  return {
    'gateway-killed': killed,
    'gateway-killed-after-commit': killedAfterCommit,
    'gateway-killed-holding-lock': killedHoldingLock,
  } satisfies Record<string, Act>;
}
