import { nonceOf } from '../src/cache/entry.js';
import type { Answer } from '../src/cache/entity.js';
import type { Filler } from '../src/cache/filler.js';
import type { Flights } from '../src/cache/flights.js';
import { createMemoryStore } from '../src/cache/keyv-store.js';
import { JoinedReader, type JoinedRead } from '../src/cache/joined-reader.js';
import { Lookup, type Slot } from '../src/cache/lookup.js';
import { ReadThrough } from '../src/cache/read-through.js';
import { MIB, MINUTE } from '../src/units.js';
import { Instance, SILENT } from './support/cache-world.js';
import { LockingServer } from './support/locking-server.js';
import { calm, finds, inMemory, ONE_KEY, onServer, world } from './support/model-worlds.js';

/** Random plays take long on a busy machine. */
const PATIENCE = 2 * MINUTE;

describe('the model finds bugs that are put in', () => {
  test(
    'a load that is older than the token it is stamped with',
    async () => {
      expect(await finds((chance) => world(chance, createMemoryStore(MIB), { Kind: EagerInstance }), ONE_KEY)).toMatch(/stale/);
    },
    PATIENCE,
  );

  test(
    'joining a read of tokens that was sent before',
    async () => {
      const { read } = JoinedReader.prototype;
      const sent = new WeakMap<JoinedReader, ReturnType<typeof read>>();
      JoinedReader.prototype.read = function (this: JoinedReader) {
        const answer = sent.get(this) ?? read.call(this, ['token:a', 'value:a']);
        sent.set(this, answer);
        void answer.finally(() => sent.delete(this));
        return answer;
      };
      expect(await finds(calm(inMemory), { ...ONE_KEY, instances: 1 })).toMatch(/stale/);
      JoinedReader.prototype.read = read;
    },
    PATIENCE,
  );

  test(
    'trusting memory without a token',
    async () => {
      const { find } = Lookup.prototype;
      Lookup.prototype.find = async function (this: Lookup<string, number>, keys, trace) {
        const slots = await find.call(this, keys, trace);
        for (const slot of slots) {
          if (slot.memory) slot.answer = { value: slot.memory.value as number, loadedAt: 0, outcome: 'hit-memory' };
        }
        return slots;
      };
      expect(await finds(inMemory, { keys: ['a'] })).toMatch(/stale/);
      Lookup.prototype.find = find;
    },
    PATIENCE,
  );

  test(
    'an epoch that does not change when the store comes back with older data',
    async () => {
      expect(
        await finds(calm(onServer(() => new LockingServer(false))), { keys: ['a'], weights: { evict: 0, restart: 12 } }),
      ).toMatch(/stale/);
    },
    PATIENCE,
  );

  describe('in refreshes before expiry and in fills that wait for another process', () => {
    const caches = ReadThrough.prototype as unknown as CacheInside;
    const lookups = Lookup.prototype as unknown as LookupInside;
    const [{ refresh }, { judge }] = [caches, lookups];
    afterEach(() => {
      caches.refresh = refresh;
      lookups.judge = judge;
    });

    test(
      'a refresh in the slot of the reader, whose answer then lands as its outcome',
      async () => {
        caches.refresh = function (slots) {
          const due = slots.filter(({ tokenKey }) => !this.flights.find(tokenKey));
          const fills = due.map((slot) => ({ slot, flight: this.flights.start(slot.tokenKey, slot.token) }));
          for (const { flight } of fills) flight.result.catch(() => undefined);
          if (fills.length > 0) void this.filler.fill(fills, SILENT);
        };
        expect(await finds(calm(onServer()), ONE_KEY)).toMatch(/stale/);
      },
      PATIENCE,
    );

    test(
      'a look for the entry that goes on under the token from before the wait',
      async () => {
        lookups.judge = function (slot, read, ...rest) {
          const before = slot.token && nonceOf(slot.token);
          const token = (key: string) => (key === slot.tokenKey ? before : undefined);
          const asked: JoinedRead = read.kind === 'read' ? { ...read, get: (key) => token(key) ?? read.get(key) } : read;
          judge.call(this, slot, asked, ...rest);
        };
        expect(await finds(calm(onServer()), ONE_KEY)).toMatch(/stale/);
      },
      PATIENCE,
    );
  });
});

interface CacheInside {
  readonly flights: Flights<Answer<number>>;
  readonly filler: Filler<string, number>;
  refresh(this: CacheInside, slots: readonly Slot<string, number>[]): void;
}

interface LookupInside {
  judge(this: LookupInside, slot: Slot<string, number>, read: JoinedRead, ...rest: readonly unknown[]): void;
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
