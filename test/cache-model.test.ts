import fc, { type Scheduler } from 'fast-check';
import { JoinedReader } from '../src/cache/joined-reader.js';
import type { Recording } from '../src/cache/ready-answers.js';
import { createMemoryStore } from '../src/cache/keyv-store.js';
import { Lookup } from '../src/cache/lookup.js';
import type { Store } from '../src/cache/store.js';
import { systemTime, type Time } from '../src/time.js';
import { MIB } from '../src/units.js';
import { AnsweringInstance, type Reader } from './support/answering-instance.js';
import { ChaosStore, Instance, pauseOf, scheduledTime, VersionedSource, type Fault } from './support/cache-world.js';
import { FILL_LOCK, LockingServer } from './support/locking-server.js';
import { openRedisStore } from './support/open-store.js';
import { describeWith, sharedRedis } from './support/servers/shared.js';

const KEYS = ['a', 'b'];
const RUNS = 500;

/** One thing that happens in the world. */
type Act =
  | { readonly kind: 'read'; readonly at: number; readonly keys: readonly string[] }
  | { readonly kind: 'change'; readonly at: number; readonly key: string }
  | { readonly kind: 'evict'; readonly key: string };

/** Some actors, each doing one thing after the other; what they do at once is interleaved as the scheduler picks. */
function plays(keys: readonly string[], instances: number): fc.Arbitrary<Act[][]> {
  const at = fc.nat({ max: instances - 1 });
  const key = fc.constantFrom(...keys);
  const act: fc.Arbitrary<Act> = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ kind: fc.constant('read' as const), at, keys: fc.subarray([...keys], { minLength: 1 }) }),
    },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('change' as const), at, key }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('evict' as const), key }) },
  );
  return fc.array(fc.array(act, { minLength: 1, maxLength: 6 }), { minLength: 2, maxLength: 5 });
}

const fault: fc.Arbitrary<Fault> = fc.constantFrom('none', 'none', 'none', 'none', 'lost', 'unanswered');

interface World {
  readonly scheduler: Scheduler;
  readonly source: VersionedSource;
  readonly instances: readonly Instance[];
  /** Removes a key from the store, as eviction does. */
  readonly evict: (key: string) => Promise<unknown>;
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

/** Lets all acts happen, and checks every read: not older than what was acknowledged before it began, not from the future. */
async function play({ scheduler, source, instances, evict }: World, actors: readonly (readonly Act[])[]): Promise<void> {
  const acknowledged = new Acknowledged();
  const read = async (at: number, keys: readonly string[]) => {
    await scheduler.schedule(Promise.resolve(), 'a reader arrives');
    const floors = keys.map((each) => acknowledged.floor(each, at));
    const answers = await (instances[at] as Instance).answers(keys);
    answers.forEach(({ value, outcome }, index) => {
      const [each, floor] = [keys[index] ?? '', floors[index] ?? { all: 0, own: 0 }];
      // Loads are reused while the store is away from an instance; it still sees its own changes.
      const least = outcome === 'reused' ? floor.own : Math.max(floor.all, floor.own);
      if (value < least) throw new Error(`stale: ${each} is ${least}, but instance ${at} read ${value} (${outcome})`);
      if (value > source.version(each)) throw new Error(`from the future: ${each} read as ${value}`);
    });
  };
  const change = async (at: number, each: string) => {
    const { version, renewed } = await (instances[at] as Instance).change(each);
    acknowledged.raise(each, version, at);
    if (renewed) acknowledged.raise(each, version, 'all');
  };
  const run = async (act: Act): Promise<void> => {
    if (act.kind === 'read') return read(act.at, act.keys);
    if (act.kind === 'change') return change(act.at, act.key);
    await scheduler.schedule(Promise.resolve(), act.kind);
    await evict(act.key);
  };
  const perform = async (acts: readonly Act[]) => {
    for (const each of acts) await run(each);
  };
  await scheduler.waitFor(Promise.all(actors.map(perform)));
  await scheduler.waitFor(Promise.all(instances.flatMap(({ cache }) => cache.flush())));
  for (const { cache } of instances) expect(cache.inFlight).toBe(0);
}

function world(
  scheduler: Scheduler,
  store: Store,
  faults: readonly Fault[],
  Kind: typeof Instance = Instance,
  time: Time = scheduledTime(scheduler),
): World {
  const source = new VersionedSource();
  const upcoming = [...faults];
  const pause = pauseOf(scheduler);
  const chaos = () => new ChaosStore(store, pause, () => upcoming.shift() ?? 'none');
  const instances = [0, 1, 2].map(() => new Kind(source, chaos(), pause, time, { fillLock: FILL_LOCK }));
  const evict = (each: string) => store.setMany([{ key: `token:${each}`, value: { evicted: true }, ttl: 1 }]);
  return { scheduler, source, instances, evict };
}

type Build = (scheduler: Scheduler, faults: readonly Fault[]) => World;

/** Plays random plays under random schedules. Throws with the seed when a read is stale. */
async function holds(build: Build, numRuns = RUNS): Promise<void> {
  await fc.assert(property(build, plays(KEYS, 2)), { numRuns, endOnFailure: true });
}

/** What random plays about one key show to be wrong: few things, so that they meet often. */
async function finds(build: Build, keys = ['a']): Promise<string> {
  const result = await fc.check(property(build, plays(keys, 1)), { numRuns: 10 * RUNS, endOnFailure: true });
  return result.failed ? String(result.errorInstance) : 'nothing';
}

function property(build: Build, happening: fc.Arbitrary<Act[][]>) {
  return fc.asyncProperty(fc.scheduler(), happening, fc.array(fault, { maxLength: 40 }), (scheduler, actors, faults) =>
    play(build(scheduler, faults), actors),
  );
}

const inMemory: Build = (scheduler, faults) => world(scheduler, createMemoryStore(MIB), faults);

/** Evictions take the token, and the lock with it. */
const locking: Build = (scheduler, faults) => {
  const server = new LockingServer();
  const evict = (each: string) => Promise.resolve(server.delete(`token:${each}`) && server.delete(`{token:${each}}:lock`));
  return { ...world(scheduler, server.store(), faults), evict };
};

describe('no read is older than what was acknowledged before it, whatever the schedule', () => {
  test('two instances on one store, requests lost and delayed, tokens evicted', () => holds(inMemory));

  test('the same with fill locks', () => holds(locking));

  test('the same in a store that comes back with older data after a restart', () =>
    holds((scheduler) => {
      const server = new LockingServer();
      // Every eviction becomes a restart from a snapshot that was taken at the eviction before it.
      return { ...world(scheduler, server.store(), []), evict: () => Promise.resolve(server.restart()) };
    }));

  test('the same by whole answers that are given again', async () => {
    const count = { given: 0, made: 0 };
    const answering: Build = (scheduler, faults) => {
      const server = new LockingServer();
      const built = world(scheduler, server.store(), faults, AnsweringInstance);
      for (const instance of built.instances) Object.assign(instance, { count });
      return { ...built, evict: () => Promise.resolve(server.restart()) };
    };
    await holds(answering);
    expect(count.given).toBeGreaterThan(RUNS / 2);
    expect(count.made).toBeGreaterThan(RUNS / 2);
  });
});

describeWith('redis')('on a real Redis', () => {
  test('the same guarantee', async () => {
    const store = await openRedisStore([sharedRedis().url]);
    let run = 0;
    await holds(
      (scheduler, faults) =>
        world(scheduler, prefixed(store, `model:${process.pid}:${(run += 1)}:`), faults, Instance, systemTime),
      100,
    );
    await store.close();
  });
});

function prefixed(store: Store, prefix: string): Store {
  return {
    getMany: (keys) => store.getMany(keys.map((each) => prefix + each)),
    setMany: (entries) => store.setMany(entries.map((entry) => ({ ...entry, key: prefix + entry.key }))),
    claim: (claims, owner, ttl) =>
      store.claim(
        claims.map((claim) => ({ ...claim, tokenKey: prefix + claim.tokenKey, lockKey: prefix + claim.lockKey })),
        owner,
        ttl,
      ),
    hold: (lockKeys, owner, ttl) =>
      store.hold(
        lockKeys.map((each) => prefix + each),
        owner,
        ttl,
      ),
    close: () => store.close(),
  };
}

describe('the model finds bugs that are put in', () => {
  test('a load that is older than the token it is stamped with', async () => {
    expect(await finds((scheduler) => world(scheduler, createMemoryStore(MIB), [], EagerInstance))).toMatch(/stale/);
  });

  test('joining a read of tokens that was sent before', async () => {
    const { read } = JoinedReader.prototype;
    const sent = new WeakMap<JoinedReader, ReturnType<typeof read>>();
    JoinedReader.prototype.read = function (this: JoinedReader) {
      const wanted = KEYS.flatMap((each) => [`token:${each}`, `value:${each}`]);
      const answer = sent.get(this) ?? read.call(this, wanted);
      sent.set(this, answer);
      void answer.finally(() => sent.delete(this));
      return answer;
    };
    expect(await finds(inMemory)).toMatch(/stale/);
    JoinedReader.prototype.read = read;
  });

  test('trusting memory without a token', async () => {
    const { find } = Lookup.prototype;
    Lookup.prototype.find = async function (this: Lookup<string, number>, keys, trace) {
      const slots = await find.call(this, keys, trace);
      for (const slot of slots) {
        if (slot.memory) slot.answer = { value: slot.memory.value as number, loadedAt: 0, outcome: 'hit-memory' };
      }
      return slots;
    };
    expect(await finds(inMemory)).toMatch(/stale/);
    Lookup.prototype.find = find;
  });

  test('an epoch that does not change when the store comes back with older data', async () => {
    const build: Build = (scheduler) => {
      const server = new LockingServer(false);
      return { ...world(scheduler, server.store(), []), evict: () => Promise.resolve(server.restart()) };
    };
    expect(await finds(build)).toMatch(/stale/);
  });

  test('a whole answer that is given again unasked', async () => {
    expect(await finds((scheduler) => world(scheduler, createMemoryStore(MIB), [], TrustingInstance))).toMatch(/stale/);
  });

  test('a whole answer of which not all reads are known', async () => {
    const build: Build = (scheduler) => world(scheduler, createMemoryStore(MIB), [], ForgetfulInstance);
    expect(await finds(build, KEYS)).toMatch(/stale/);
  });
});

/** A gateway with a bug: it gives a whole answer again for as long as it has it. */
class TrustingInstance extends AnsweringInstance {
  private readonly texts = new Map<string, string>();

  protected override async given(keys: readonly string[], reader: Reader): Promise<string | undefined> {
    const known = this.texts.get(keys.join());
    if (known !== undefined) return known;
    const values = await Promise.all(keys.map(async (each) => (await reader.load(each)).value));
    this.texts.set(keys.join(), JSON.stringify(values));
    return undefined;
  }
}

/** A gateway with a bug: one of its reads goes past the recording. */
class ForgetfulInstance extends AnsweringInstance {
  protected override noted(recording: Recording<Reader>, reader: Reader, key: string) {
    return key === 'b' ? reader.load(key) : super.noted(recording, reader, key);
  }
}

/** A gateway with a bug: it asks the source first and takes the token afterwards. */
class EagerInstance extends Instance {
  private early = new Map<string, number>();

  override async answers(keys: readonly string[]) {
    const versions = await super.load(keys);
    this.early = new Map(keys.map((each, index) => [each, versions[index] ?? -1]));
    return super.answers(keys);
  }

  override load(keys: readonly string[]): Promise<number[]> {
    return Promise.resolve(keys.map((each) => this.early.get(each) ?? 0));
  }
}
