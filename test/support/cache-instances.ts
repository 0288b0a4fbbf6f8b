import { createMemoryStore } from '../../src/cache/keyv-store.js';
import { OperationTrace } from '../../src/cache/operation-trace.js';
import type { Store } from '../../src/cache/store.js';
import { MIB } from '../../src/units.js';
import { ChaosStore, Instance, VersionedSource } from './cache-world.js';
import { FakeTime } from './fake-time.js';
import { Gates } from './gates.js';

/** Two processes on one store and one source, whose steps stop at gates. */
export function setUp(inner: Store = createMemoryStore(MIB), random = () => 0) {
  const source = new VersionedSource();
  const gates = new Gates();
  const time = new FakeTime();
  const instance = () => new Instance(source, new ChaosStore(inner, gates.pause), gates.pause, time, { random });
  return { source, gates, time, instance, a: instance(), b: instance() };
}

/** What a read answers, and what it cost. */
export async function traced({ cache }: Instance, keys: readonly string[]) {
  const trace = new OperationTrace();
  const answers = await cache.readMany(keys, trace);
  return { values: answers.map(({ value }) => value), ...trace.summary() };
}

/** Lets work in the background go on until `condition` holds. */
export async function settled(condition: () => boolean): Promise<void> {
  for (let turn = 0; !condition() && turn < 100; turn += 1) await new Promise(setImmediate);
  expect(condition()).toBe(true);
}
