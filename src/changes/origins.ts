import { randomUUID } from 'node:crypto';
import type { Store } from '../cache/store.js';
import type { Time } from '../time.js';
import { MINUTE, type Milliseconds } from '../units.js';

/** A gateway that lives renews what it changed within this time, or has trouble. */
const GRACE: Milliseconds = 500;
const LOOK: Milliseconds = 20;
const TICK_TTL: Milliseconds = MINUTE;

/**
 * Which changes are the gateways' own. A mutation marks its transaction with an origin, and ticks that off in the store when
 * the store has acknowledged its renewal. A mark that is not ticked off in time belongs to a gateway that died between commit
 * and renewal, or that cannot reach the store: then the leader of the feed renews in its place.
 */
export class Origins {
  /** @param family the same in all processes that share `store`, and in no other */
  constructor(
    private readonly store: Pick<Store, 'getMany' | 'setMany'>,
    private readonly family: string,
    private readonly time: Time,
  ) {}

  /** A new mark for one transaction. */
  next(): string {
    return `${this.family}/${randomUUID()}`;
  }

  /** Whether a process that shares the store made it; others tick off elsewhere. */
  isOurs(origin: string): boolean {
    return origin.startsWith(`${this.family}/`);
  }

  /**
   * To be called when the renewal was acknowledged, with the orders that it was of: what triggers of the database changed in
   * the same transaction is not among them. A tick that gets lost costs a second renewal.
   */
  async tickOff(origin: string, orderIds: readonly string[]): Promise<void> {
    await this.store.setMany([{ key: tickKey(origin), value: orderIds, ttl: TICK_TTL }]);
  }

  /** The orders that each of `origins` has renewed; those that are not ticked off by the end of the grace are missing. */
  async renewed(origins: readonly string[]): Promise<ReadonlyMap<string, ReadonlySet<unknown>>> {
    const ticked = new Map<string, ReadonlySet<unknown>>();
    const end = this.time.now() + GRACE;
    let open = await this.look(origins, ticked);
    while (open.length > 0 && this.time.now() < end) {
      await new Promise<void>((resolve) => void this.time.after(LOOK, resolve));
      open = await this.look(open, ticked);
    }
    return ticked;
  }

  /** Notes those that are ticked off; answers the others. */
  private async look(origins: readonly string[], ticked: Map<string, ReadonlySet<unknown>>): Promise<string[]> {
    if (origins.length === 0) return [];
    const read = await this.store.getMany(origins.map(tickKey));
    if (read.kind === 'unavailable') return [...origins];
    return origins.filter((origin, index) => {
      const ids = read.values[index];
      if (Array.isArray(ids)) ticked.set(origin, new Set<unknown>(ids));
      return ids === undefined;
    });
  }
}

function tickKey(origin: string): string {
  return `orders:feed:done:${origin}`;
}
