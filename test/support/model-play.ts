import { setTimeout as sleep } from 'node:timers/promises';
import type { Scheduler } from 'fast-check';
import { GatewayError } from '../../src/errors.js';
import type { Answer } from '../../src/cache/entity.js';
import type { Milliseconds } from '../../src/units.js';
import type { Instance, VersionedSource } from './cache-world.js';
import type { Act } from './model-acts.js';

/** Steps of one play; more is a loop. */
const MAX_STEPS = 20_000;
/** Looks, a millisecond apart, whether all work has ended after a play. */
const MAX_LOOKS = 1_000;

export interface World {
  readonly scheduler: Scheduler;
  readonly source: VersionedSource;
  readonly instances: readonly Instance[];
  /** Moves the clock of one instance. */
  readonly pass: (at: number, by: Milliseconds) => void;
  /** Removes the token of a key from the store, as eviction does. */
  readonly evict: (key: string) => Promise<unknown>;
  /** Restarts the store from older data. */
  readonly restart: () => void;
}

/** Key → the newest version that a change was acknowledged with: to all, and to the readers of each instance. */
class Acknowledged {
  private readonly floors = new Map<string, number>();

  raise(key: string, version: number, scope: number | 'all'): void {
    const place = `${scope}:${key}`;
    this.floors.set(place, Math.max(version, this.floors.get(place) ?? 0));
  }

  /** What a reader at an instance must get at least. */
  floor(key: string, at: number): { all: number; own: number } {
    return { all: this.floors.get(`all:${key}`) ?? 0, own: this.floors.get(`${at}:${key}`) ?? 0 };
  }
}

/** Outcomes of answers that may be given while an instance does not reach the store; it still sees its own changes. */
const CUT_OFF = ['reused', 'stale'];

/** Lets the acts of a play happen, and checks every read. */
class Play {
  private readonly acknowledged = new Acknowledged();

  constructor(private readonly world: World) {}

  async perform(acts: readonly Act[]): Promise<void> {
    for (const act of acts) {
      await this.world.scheduler.schedule(Promise.resolve(), act.kind);
      await this.act(act);
    }
  }

  private async act(act: Act): Promise<unknown> {
    switch (act.kind) {
      case 'read':
        return this.read(act.at, act.keys);
      case 'change':
        return this.change(act.at, act.key);
      case 'pass':
        return this.world.pass(act.at, act.by);
      case 'evict':
        return this.world.evict(act.key);
      case 'restart':
        return this.world.restart();
    }
  }

  /** @throws when an answer is older than what was acknowledged before the read began, or from the future */
  private async read(at: number, keys: readonly string[]): Promise<void> {
    const floors = keys.map((key) => this.acknowledged.floor(key, at));
    const answers = await this.answers(at, keys);
    answers.forEach(({ value, outcome }, index) => {
      const [key, floor] = [keys[index] ?? '', floors[index] ?? { all: 0, own: 0 }];
      const least = CUT_OFF.includes(outcome) ? floor.own : Math.max(floor.all, floor.own);
      if (value < least) throw new Error(`stale: ${key} is ${least}, but instance ${at} read ${value} (${outcome})`);
      if (value > this.world.source.version(key)) throw new Error(`from the future: ${key} read as ${value}`);
    });
  }

  /** Nothing where the source does not answer. */
  private async answers(at: number, keys: readonly string[]): Promise<readonly Answer<number>[]> {
    try {
      return await this.instance(at).answers(keys);
    } catch (error) {
      if (error instanceof GatewayError && error.code === 'SOURCE_UNAVAILABLE') return [];
      throw error;
    }
  }

  private async change(at: number, key: string): Promise<void> {
    const { version, renewed } = await this.instance(at).change(key);
    this.acknowledged.raise(key, version, at);
    if (renewed) this.acknowledged.raise(key, version, 'all');
  }

  private instance(at: number): Instance {
    return this.world.instances[at] as Instance;
  }
}

/** @throws when a read is stale, when work does not come to an end, or when a load stays under way */
export async function play(world: World, actors: readonly (readonly Act[])[]): Promise<void> {
  const { scheduler, instances } = world;
  const performance = new Play(world);
  const step = stepCounter();
  await scheduler.waitFor(Promise.all(actors.map((acts) => performance.perform(acts))), step);
  const isIdle = () => scheduler.count() === 0 && instances.every(({ cache }) => cache.inFlight === 0);
  for (let look = 0; look < MAX_LOOKS && !isIdle(); look += 1) {
    await scheduler.waitIdle(step);
    await sleep(1);
  }
  await scheduler.waitFor(Promise.all(instances.map(({ cache }) => cache.flush())), step);
  for (const { cache } of instances) expect(cache.inFlight).toBe(0);
}

/** Rejects instead of throwing: the scheduler takes no other answer. */
function stepCounter(): (run: () => Promise<unknown>) => Promise<void> {
  let steps = 0;
  return async (run) => {
    steps += 1;
    if (steps > MAX_STEPS) throw new Error(`must come to an end, but has taken ${MAX_STEPS} steps`);
    await run();
  };
}
