import type { LoggedChange } from '../changes/change-log.js';
import { changedId, type OrderFootprint } from '../changes/touched.js';
import type { Order } from '../orders/order.js';

/** What became of one order between two positions: the state before the first change of it; whatever came between is gone. */
export interface LiveChange {
  readonly id: string;
  /** `null`: it did not exist, or the log does not know. */
  readonly before: OrderFootprint | null;
  /** As it was read after the change; perhaps later changes are in it already. `null`: it exists no more. */
  readonly now: Order | null;
  /** Whether it was inserted. */
  readonly isNew: boolean;
}

/** Many changes as one for each order, in the order in which the orders were changed first. */
export class NetChanges {
  private readonly befores = new Map<string, OrderFootprint | null>();

  add(change: LoggedChange): void {
    const id = changedId(change);
    if (id !== undefined && !this.befores.has(id)) this.befores.set(id, change.before);
  }

  get size(): number {
    return this.befores.size;
  }

  get ids(): string[] {
    return [...this.befores.keys()];
  }

  /** With what was read of each order; an order that neither was nor is there has not changed. */
  with(read: ReadonlyMap<string, Order | null>, isNew: (order: Order) => boolean): LiveChange[] {
    return [...this.befores]
      .map(([id, before]) => {
        const now = read.get(id) ?? null;
        return { id, before, now, isNew: !before && now !== null && isNew(now) };
      })
      .filter(({ before, now }) => before !== null || now !== null);
  }
}
