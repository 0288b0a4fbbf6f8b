import type { Store } from '../cache/store.js';
import { DAY, type Snapshot } from '../units.js';
import type { FeedPosition } from './position.js';
import { parseSnapshot } from './snapshot.js';

/** What the leader leaves in the shared store. */
export interface FeedMark {
  /** Where its successor goes on. Absent: it has not finished anything yet. */
  readonly snapshot?: Snapshot;
  /** Another one whenever the leader got on. */
  readonly beat: string;
}

export type LoadedMark = { readonly kind: 'read'; readonly mark?: FeedMark } | { readonly kind: 'unavailable' };

/** The position in the shared store, under one key for each group. */
export class FeedState implements FeedPosition {
  private readonly key: string;

  constructor(
    private readonly store: Pick<Store, 'getMany' | 'setMany'>,
    group: string,
  ) {
    this.key = `orders:feed:position:${group}`;
  }

  async current(): Promise<Snapshot | undefined> {
    const loaded = await this.load();
    return loaded.kind === 'read' ? loaded.mark?.snapshot : undefined;
  }

  async load(): Promise<LoadedMark> {
    const read = await this.store.getMany([this.key]);
    if (read.kind === 'unavailable') return { kind: 'unavailable' };
    const [value] = read.values;
    return isMark(value) ? { kind: 'read', mark: value } : { kind: 'read' };
  }

  /** Whether the store has taken it. */
  async save(mark: FeedMark): Promise<boolean> {
    return (await this.store.setMany([{ key: this.key, value: mark, ttl: DAY }])).kind === 'written';
  }
}

/** The store holds what anybody wrote; a value that is no mark is none. */
function isMark(value: unknown): value is FeedMark {
  if (typeof value !== 'object' || value === null || !('beat' in value)) return false;
  if (!('snapshot' in value)) return true;
  try {
    parseSnapshot(String(value.snapshot));
    return true;
  } catch {
    return false;
  }
}
