import { createMemoryStore } from '../src/cache/keyv-store.js';
import type { Recording } from '../src/cache/ready-answers.js';
import { MIB, MINUTE } from '../src/units.js';
import { AnsweringInstance, type Reader } from './support/answering-instance.js';
import type { Instance } from './support/cache-world.js';
import { LockingServer } from './support/locking-server.js';
import { finds, holds, ONE_KEY, world, type Build } from './support/model-worlds.js';

/** Random plays take long on a busy machine. */
const PATIENCE = 2 * MINUTE;

/** Instances of `Kind` on a store that restarts from older data. */
function answering(Kind: typeof Instance): Build {
  return (chance) => {
    const server = new LockingServer();
    return { ...world(chance, server.store(), { Kind }), restart: () => server.restart() };
  };
}

describe('whole answers that are given again', () => {
  test(
    'are no older than what was acknowledged before the request, whatever the schedule and the clocks',
    async () => {
      const count = { given: 0, made: 0 };
      const build = answering(AnsweringInstance);
      await holds((chance) => {
        const built = build(chance);
        for (const instance of built.instances) Object.assign(instance, { count });
        return built;
      });
      expect(count.given).toBeGreaterThan(20);
      expect(count.made).toBeGreaterThan(20);
    },
    PATIENCE,
  );
});

describe('the model finds bugs of whole answers', () => {
  test(
    'one that is given again unasked',
    async () => {
      const build: Build = (chance) => world(chance, createMemoryStore(MIB), { Kind: TrustingInstance });
      expect(await finds(build, ONE_KEY)).toMatch(/stale/);
    },
    PATIENCE,
  );

  test(
    'one of which not all reads are known',
    async () => {
      const build: Build = (chance) => world(chance, createMemoryStore(MIB), { Kind: ForgetfulInstance });
      expect(await finds(build)).toMatch(/stale/);
    },
    PATIENCE,
  );
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
