import { between, pick, type Random } from '../../src/embedded/random.js';
import { SECOND, type Milliseconds } from '../../src/units.js';
import { SHORT_TTL } from './bounds.js';
import type { Instance } from './instance.js';
import { planOrders, type Plan } from './plan.js';
import { read } from './reader.js';
import { rest } from './rest.js';
import type { Settler } from './settler.js';
import { pickUp, type World } from './world.js';
import { changeOrders } from './writer.js';

/** How late the answers of Redis are for one gateway while the board changes; well below the deadline of a request. */
const LATE: Milliseconds = 100;
/** How long the others' loads take then; a change, of five statements, stays below its timeout all the same. */
const SLOW: Milliseconds = 250;
/** For the request of a late gateway to be under way at any moment. */
const EARLY_READERS = 3;

/**
 * A board: orders that everybody reads all the time, and that are left alone until about the moment at which their entries
 * are due for a refresh. Then all are changed at once, while one gateway learns late what is in Redis and the others load slowly.
 * So refreshes that wait for another gateway meet changes. They seldom do elsewhere: entries of orders that change all the
 * time do not live that long.
 */
export class Board {
  private plan: Plan = planOrders([]);

  constructor(
    private readonly world: World,
    private readonly settler: Settler,
  ) {}

  async read(random: Random): Promise<void> {
    const { over } = this.world;
    while (!over.aborted) {
      const instance = pickUp(this.world, random);
      if (instance && this.plan.parts.length > 0) await read(this.world, instance, this.plan);
      await rest(between(random, 1, 10), over);
    }
  }

  async change(random: Random): Promise<void> {
    const { book, instances, over } = this.world;
    while (!over.aborted) {
      this.plan = planOrders(await book.board());
      await rest(between(random, 0.1 * SHORT_TTL * SECOND, 0.8 * SHORT_TTL * SECOND), over);
      const late = pick(random, instances);
      const others = instances.filter((each) => each !== late && each.isUp);
      if (late.isUp && others.length > 0) await this.changeAll(pick(random, others), late);
    }
  }

  private async changeAll(instance: Instance, late: Instance): Promise<void> {
    const { world, settler, plan } = this;
    const changed = new AbortController();
    late.store.setDelay({ downstream: LATE });
    const early = Array.from({ length: EARLY_READERS }, () => this.readUntil(changed.signal, late));
    const orders = plan.parts.flatMap(({ expected }) => expected);
    await changeOrders(world, settler, instance, orders);
    const others = world.instances.filter((each) => each !== late);
    for (const { database } of others) database.setDelay({ downstream: SLOW });
    changed.abort();
    await Promise.all([...early, ...world.instances.filter(({ isUp }) => isUp).map((each) => read(world, each, plan))]);
    for (const other of others) other.settleDatabase();
    late.settleStore();
  }

  private async readUntil(changed: AbortSignal, instance: Instance): Promise<void> {
    while (!changed.aborted && instance.isUp) await read(this.world, instance, this.plan);
  }
}
