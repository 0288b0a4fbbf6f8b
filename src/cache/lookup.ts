import type { Time } from '../time.js';
import { isEntry, tokenOf, type Entry, type Token } from './entry.js';
import type { Answer, CachedEntity } from './entity.js';
import type { JoinedRead, JoinedReader } from './joined-reader.js';
import type { MemoryTier } from './memory-tier.js';
import type { Outcome, Trace } from './outcome.js';
import type { Renewals } from './renewals.js';

/** One key on its way through a read. */
export interface Slot<K, V> {
  readonly key: K;
  readonly valueKey: string;
  readonly tokenKey: string;
  /** What this process has; not yet known to be valid. */
  memory: Entry<unknown> | undefined;
  /** The token that the store answered; `undefined`: it has none, or did not answer. */
  token: Token | undefined;
  /** Whether the store answered for this key, so that a load may be kept. */
  storable: boolean;
  answer: Answer<V> | undefined;
}

export interface LookupParts {
  readonly reader: JoinedReader;
  readonly memory: MemoryTier;
  readonly renewals: Pick<Renewals, 'isPending'>;
  readonly time: Time;
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
    for (const slot of outdated) slot.memory = undefined;
    if (outdated.length > 0) await this.check(outdated, trace);
    return slots;
  }

  /** What a load that ended while the store was being asked has left in memory, if it is valid under the slot's token. */
  landed(slot: Slot<K, V>): Answer<V> | undefined {
    const entry = this.parts.memory.get(slot.valueKey);
    return entry && this.isValid(entry, slot) ? answerOf(entry as Entry<V>, 'hit-memory') : undefined;
  }

  private newSlot(key: K): Slot<K, V> {
    const valueKey = this.entity.valueKey(key);
    const memory = this.parts.memory.get(valueKey);
    return { key, valueKey, tokenKey: this.entity.tokenKey(key), memory, token: undefined, storable: false, answer: undefined };
  }

  private async check(slots: readonly Slot<K, V>[], trace: Trace): Promise<void> {
    trace.storeRoundTrip();
    // Before the store is asked: an answer may be older than a renewal that stops pending while it is on its way.
    for (const slot of slots) slot.storable = !this.parts.renewals.isPending(slot.tokenKey);
    const wanted = slots.flatMap((slot) => (slot.memory ? [slot.tokenKey] : [slot.tokenKey, slot.valueKey]));
    const read = await this.parts.reader.read(wanted);
    for (const slot of slots) this.judge(slot, read);
  }

  private judge(slot: Slot<K, V>, read: JoinedRead): void {
    slot.storable &&= read.kind === 'read' && !this.parts.renewals.isPending(slot.tokenKey);
    slot.token = read.kind === 'read' && slot.storable ? tokenOf(read.epoch, read.get(slot.tokenKey)) : undefined;
    if (read.kind === 'unavailable' || slot.token === undefined) return;
    const candidate = slot.memory ?? read.get(slot.valueKey);
    if (!isEntry(candidate) || !this.isValid(candidate, slot)) return;
    slot.answer = slot.memory ? answerOf(candidate as Entry<V>, 'hit-memory') : this.promote(slot.valueKey, candidate);
  }

  private isValid(entry: Entry<unknown>, { token }: Slot<K, V>): boolean {
    return entry.token === token && entry.expiresAt > this.parts.time.now();
  }

  private promote(valueKey: string, stored: Entry<unknown>): Answer<V> {
    const entry = { ...stored, value: this.entity.unpack(stored.value) };
    this.parts.memory.put(valueKey, entry, this.entity.weigh(entry.value));
    return answerOf(entry, 'hit-store');
  }
}

export function answerOf<V>(entry: Entry<V>, outcome: Outcome): Answer<V> {
  return { value: entry.value, loadedAt: entry.loadedAt, outcome };
}
