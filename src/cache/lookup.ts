import type { Time } from '../time.js';
import type { Milliseconds } from '../units.js';
import { isEntry, tokenOf, type Entry, type Token } from './entry.js';
import type { Answer, CachedEntity } from './entity.js';
import type { JoinedRead, JoinedReader } from './joined-reader.js';
import type { MemoryTier } from './memory-tier.js';
import type { Outcome, Trace } from './outcome.js';
import type { Renewals } from './renewals.js';

/** One key on its way through a read. */
export interface Slot<K, V> {
  readonly key: K;
  /** Where the store keeps the entry. Keys that are never valid at the same time may share it. */
  readonly valueKey: string;
  /** Where the store keeps the token; inside the process the name of the key, since no two keys share it. */
  readonly tokenKey: string;
  /** What this process has; not yet known to be valid. */
  memory: Entry<unknown> | undefined;
  /** The token that the store answered; `undefined`: it has none, did not answer, or is not trusted. */
  token: Token | undefined;
  /**
   * `trusted`: the store answered. `distrusted`: it did, but a renewal of this key has not reached it yet. `unavailable`: it
   * did not. Only a load under trust may be kept.
   */
  trust: 'trusted' | 'distrusted' | 'unavailable';
  /** An expired entry that is not known to be outdated: better than nothing while the source does not answer. */
  fallback: Entry<V> | undefined;
  /** The newest value that was found, valid or not. */
  former: (() => V) | undefined;
  /** The valid entry behind `answer`, if that was a hit. */
  hit: Entry<V> | undefined;
  answer: Answer<V> | undefined;
}

export interface LookupParts {
  readonly reader: JoinedReader;
  readonly memory: MemoryTier;
  readonly renewals: Pick<Renewals, 'isPending' | 'latest' | 'renewedSince'>;
  readonly time: Time;
  /** How long after its expiry an entry may stand in for a source that does not answer. */
  readonly staleFor: Milliseconds;
}

/** The first half of a read: what do memory and store have under these keys that is valid now? Never asks the source. */
export class Lookup<K, V> {
  constructor(
    private readonly entity: CachedEntity<K, V>,
    private readonly parts: LookupParts,
  ) {}

  /**
   * One round trip: the tokens of all keys, and the values of those that are not in memory. A second one only for keys
   * whose entry in memory is out of date, because another process may have put a new one into the store.
   */
  async find(keys: readonly K[], trace: Trace): Promise<Slot<K, V>[]> {
    const slots = keys.map((key) => this.newSlot(key));
    await this.check(slots, trace);
    const outdated = slots.filter((slot) => !slot.answer && slot.memory && slot.token !== undefined);
    if (outdated.length > 0) await this.recheck(outdated, [], trace);
    return slots;
  }

  /** What a load that ended while the store was being asked has left in memory, if it is valid under the slot's token. */
  landed(slot: Slot<K, V>): Answer<V> | undefined {
    const entry = this.parts.memory.get(slot.tokenKey);
    return entry && this.isValid(entry, slot) ? answerOf(entry as Entry<V>, 'hit-memory') : undefined;
  }

  /** One round trip: whether somebody has filled these slots meanwhile, and what the store has under `others`. */
  async recheck(slots: readonly Slot<K, V>[], others: readonly string[], trace: Trace): Promise<JoinedRead> {
    for (const slot of slots) slot.memory = undefined;
    return this.check(slots, trace, others);
  }

  private newSlot(key: K): Slot<K, V> {
    const [valueKey, tokenKey] = [this.entity.valueKey(key), this.entity.tokenKey(key)];
    const memory = this.parts.memory.get(tokenKey);
    const former = memory && (() => memory.value as V);
    const nothing = { token: undefined, fallback: undefined, hit: undefined, answer: undefined };
    return { key, valueKey, tokenKey, memory, former, trust: 'unavailable', ...nothing };
  }

  private async check(slots: readonly Slot<K, V>[], trace: Trace, others: readonly string[] = []): Promise<JoinedRead> {
    trace.storeRoundTrip();
    const mark = this.parts.renewals.latest;
    // Asked before and after: an answer may be older than a renewal that stops pending while it is on its way.
    const pending = new Set(slots.filter((slot) => this.parts.renewals.isPending(slot.tokenKey)));
    const wanted = slots.flatMap((slot) => (slot.memory ? [slot.tokenKey] : [slot.tokenKey, slot.valueKey]));
    const read = await this.parts.reader.read([...wanted, ...others]);
    for (const slot of slots) this.judge(slot, read, pending.has(slot), mark);
    return read;
  }

  private judge(slot: Slot<K, V>, read: JoinedRead, wasPending: boolean, mark: number): void {
    slot.token = undefined;
    if (read.kind === 'unavailable') {
      slot.trust = 'unavailable';
      slot.fallback = this.unverified(slot, wasPending);
      return;
    }
    slot.trust = wasPending || this.parts.renewals.isPending(slot.tokenKey) ? 'distrusted' : 'trusted';
    if (slot.trust === 'distrusted') return;
    slot.token = tokenOf(read.epoch, read.get(slot.tokenKey));
    const candidate = slot.memory ?? read.get(slot.valueKey);
    if (!isEntry(candidate)) return;
    if (!slot.memory) slot.former = () => this.entity.unpack(candidate.value);
    if (slot.token === undefined || candidate.token !== slot.token) return;
    if (!this.isValid(candidate, slot))
      slot.fallback = this.standIn(slot.memory ? (candidate as Entry<V>) : this.decode(candidate));
    else if (slot.memory) this.hit(slot, candidate as Entry<V>, 'hit-memory');
    else this.hit(slot, this.promote(slot.tokenKey, candidate, mark), 'hit-store');
  }

  private hit(slot: Slot<K, V>, entry: Entry<V>, outcome: Outcome): void {
    slot.hit = entry;
    slot.answer = answerOf(entry, outcome);
  }

  /** What memory has while the store is away; nothing that this process itself has made worthless since. */
  private unverified({ tokenKey }: Slot<K, V>, wasPending: boolean): Entry<V> | undefined {
    const { renewals, memory } = this.parts;
    const remembered = memory.recall(tokenKey);
    if (!remembered || wasPending || renewals.isPending(tokenKey)) return undefined;
    return renewals.renewedSince(tokenKey, remembered.mark) ? undefined : this.standIn(remembered.entry as Entry<V>);
  }

  private standIn(entry: Entry<V>): Entry<V> | undefined {
    return this.parts.time.now() < entry.expiresAt + this.parts.staleFor ? entry : undefined;
  }

  private isValid(entry: Entry<unknown>, { token }: Slot<K, V>): boolean {
    return entry.token === token && entry.expiresAt > this.parts.time.now();
  }

  private promote(tokenKey: string, stored: Entry<unknown>, mark: number): Entry<V> {
    const entry = this.decode(stored);
    this.parts.memory.put(tokenKey, { entry, mark }, this.entity.weigh(entry.value));
    return entry;
  }

  private decode(stored: Entry<unknown>): Entry<V> {
    return { ...stored, value: this.entity.unpack(stored.value) };
  }
}

export function answerOf<V>(entry: Entry<V>, outcome: Outcome): Answer<V> {
  return { value: entry.value, loadedAt: entry.loadedAt, outcome };
}
