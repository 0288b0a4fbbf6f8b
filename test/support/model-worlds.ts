import fc, { type Scheduler } from 'fast-check';
import { GatewayError } from '../../src/errors.js';
import { createMemoryStore } from '../../src/cache/keyv-store.js';
import type { Store } from '../../src/cache/store.js';
import type { Time } from '../../src/time.js';
import { MIB, MINUTE, type Milliseconds } from '../../src/units.js';
import { ChaosStore, Instance, pauseOf, VersionedSource, type Fault, type Pause } from './cache-world.js';
import { FILL_LOCK, LockingServer } from './locking-server.js';
import { plays, type Weights } from './model-acts.js';
import { play, type World } from './model-play.js';
import { ScheduledTime } from './scheduled-time.js';

const KEYS = ['a', 'b'];
const RUNS = 500;
const INSTANCES = 2;
/** What each step of an instance takes by its clock. */
const STEP: Milliseconds = 5;
const SHORT: Milliseconds = 20 * STEP;

/** All that chance decides in a world beside the plays. */
export interface Chance {
  readonly scheduler: Scheduler;
  /** Of the requests to the store, one after another; none when they are used up. */
  readonly faults: readonly Fault[];
  /** Whether the source answers, statement by statement; it does when they are used up. */
  readonly outages: readonly boolean[];
  readonly ttl: Milliseconds;
  readonly random: () => number;
}

export type Build = (chance: Chance) => World;

const fault: fc.Arbitrary<Fault> = fc.constantFrom('none', 'none', 'none', 'none', 'lost', 'unanswered');

const chances: fc.Arbitrary<Chance> = fc.record({
  scheduler: fc.scheduler(),
  faults: fc.array(fault, { maxLength: 40 }),
  outages: fc.array(
    fc.nat({ max: 9 }).map((throwOfTen) => throwOfTen === 0),
    { maxLength: 20 },
  ),
  // A few loads, a play, and longer than any play.
  ttl: fc.constantFrom(SHORT, 10 * SHORT, MINUTE),
  // What seldom happens at even chances, a refresh long before expiry, happens as often as the rest.
  random: fc.infiniteStream(fc.nat({ max: 15 })).map((exponents) => () => 1 - 10 ** -Number(exponents.next().value)),
});

export interface WorldOptions {
  readonly Kind?: typeof Instance;
  /** In place of clocks that plays move. */
  readonly time?: Time;
}

/** Instances on `store`, each with a clock of its own. */
export function world({ scheduler, faults, outages, ttl, random }: Chance, store: Store, options: WorldOptions = {}): World {
  const { Kind = Instance, time } = options;
  const source = new FailingSource(outages);
  const upcoming = [...faults];
  const pause = pauseOf(scheduler);
  const clocks = Array.from({ length: INSTANCES }, () => new ScheduledTime(scheduler));
  const settings = { fillLock: FILL_LOCK, ttl, random };
  const instance = (clock: ScheduledTime) => {
    const step: Pause = (label) => pause(label).then(() => clock.pass(STEP));
    return new Kind(source, new ChaosStore(store, step, () => upcoming.shift() ?? 'none'), step, time ?? clock, settings);
  };
  return {
    scheduler,
    source,
    instances: clocks.map(instance),
    pass: (at, by) => clocks[at]?.pass(by),
    evict: (key) => store.setMany([{ key: `token:${key}`, value: { evicted: true }, ttl: 1 }]),
    restart: () => undefined,
  };
}

class FailingSource extends VersionedSource {
  private readonly outages: boolean[];

  constructor(outages: readonly boolean[]) {
    super();
    this.outages = [...outages];
  }

  override read(keys: readonly string[]): number[] {
    if (this.outages.shift()) throw new GatewayError('SOURCE_UNAVAILABLE', 'The source does not answer.');
    return super.read(keys);
  }
}

export const inMemory: Build = (chance) => world(chance, createMemoryStore(MIB));

/** A store of several processes, which restarts from older data. Evictions take the token, and the lock with it. */
export function onServer(server: () => LockingServer = () => new LockingServer()): Build {
  return (chance) => {
    const started = server();
    const evict = (key: string) => Promise.resolve(started.delete(`token:${key}`) && started.delete(`{token:${key}}:lock`));
    return { ...world(chance, started.store()), evict, restart: () => started.restart() };
  };
}

/** Without faults and outages, and with entries that soon expire. */
export function calm(build: Build): Build {
  return (chance) => build({ ...chance, faults: [], outages: [], ttl: SHORT });
}

export interface Plays {
  /** Default: two keys. */
  readonly keys?: readonly string[];
  readonly instances?: number;
  readonly weights?: Partial<Weights>;
  readonly numRuns?: number;
}

/** Few things, so that they meet often. */
export const ONE_KEY: Plays = { keys: ['a'], weights: { pass: 0, evict: 0, restart: 0 } };

/** Plays random plays under random schedules. @throws with the seed when a read is stale */
export async function holds(build: Build, { numRuns = RUNS, ...options }: Plays = {}): Promise<void> {
  await fc.assert(property(build, options), { numRuns, endOnFailure: true });
}

/** What random plays show to be wrong. */
export async function finds(build: Build, { numRuns = 10 * RUNS, ...options }: Plays = {}): Promise<string> {
  const result = await fc.check(property(build, options), { numRuns, endOnFailure: true });
  return result.failed ? String(result.errorInstance) : 'nothing';
}

function property(build: Build, { keys = KEYS, instances = INSTANCES, weights = {} }: Plays) {
  return fc.asyncProperty(chances, plays(keys, instances, weights), (chance, actors) => play(build(chance), actors));
}
