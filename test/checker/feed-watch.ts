import { SECOND, type Milliseconds } from '../../src/units.js';
import { metric } from '../support/race.js';
import { FEED_BOUND } from './bounds.js';
import type { Change } from './history.js';
import type { Instance } from './instance.js';
import { rest } from './rest.js';
import type { World } from './world.js';

const LOOK_EACH: Milliseconds = 150;
/** What lies between two looks is not known for sure if they are further apart. */
const LOOK_PATIENCE: Milliseconds = SECOND;

/** A time in which one gateway led the feed, and nothing was in its way. */
interface Calm {
  readonly leader: Instance;
  readonly name: string;
  readonly from: number;
}

/**
 * Finds out from when on changes of other programs must be seen: FEED_BOUND after their commit, in a time all of which one and
 * the same gateway led, that reached database and store. Other times have no bound of their own, but that of an entry's life.
 */
export class FeedWatch {
  private calm: Calm | undefined;
  private lastLook = -Infinity;
  private watched: readonly Change[] = [];

  constructor(private readonly world: World) {}

  watch(change: Change): void {
    this.watched = [...this.watched, change];
  }

  async run(): Promise<void> {
    while (!this.world.over.aborted) {
      await this.look();
      await rest(LOOK_EACH, this.world.over);
    }
  }

  /** Those that lead, as they say themselves; a gateway that is stopped says nothing. */
  async leaders(): Promise<Instance[]> {
    const { instances } = this.world;
    const up = instances.filter(({ isUp }) => isUp);
    const leads = await Promise.all(up.map((instance) => answered(metric(instance.process, 'mes_feed_leader'))));
    return up.filter((_, index) => leads[index] === 1);
  }

  async look(): Promise<void> {
    const began = performance.now();
    const [leader, ...others] = await this.leaders();
    const { calm } = this;
    if (!leader || others.length > 0) this.calm = undefined;
    else if (!calm || !isSame(calm, leader) || began - this.lastLook > LOOK_PATIENCE || !wasUndisturbed(calm)) {
      this.calm = { leader, name: leader.name, from: performance.now() };
    }
    this.lastLook = began;
    if (this.calm === calm && calm) this.settle(calm, began);
  }

  private settle({ from }: Calm, until: number): void {
    const due = this.watched.filter(({ at }) => Math.max(at, from) + FEED_BOUND <= until);
    for (const change of due) change.renewedAt = Math.max(change.at, from) + FEED_BOUND;
    this.watched = this.watched.filter((change) => !due.includes(change));
    this.world.report.changes.followed += due.length;
  }
}

function isSame({ leader, name }: Calm, instance: Instance): boolean {
  return leader === instance && name === instance.name;
}

function wasUndisturbed({ leader, from }: Calm): boolean {
  const { storeTrouble, databaseTrouble, down, breaker } = leader;
  const now = performance.now();
  return ![storeTrouble, databaseTrouble, down].some((trouble) => trouble.touches(from, now)) && breaker.closedSince(from);
}

/** `undefined` when it is not answered in time. */
async function answered(question: Promise<number>): Promise<number | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => (timer = setTimeout(resolve, LOOK_PATIENCE, undefined)));
  return Promise.race([question.catch(() => undefined), late]).finally(() => clearTimeout(timer));
}
