import { fileOwnersTokenKey } from '../files/keys.js';
import { listTokenKey, orderTokenKey } from '../orders/keys.js';
import { listsContaining } from '../orders/lists.js';
import type { Order } from '../orders/order.js';
import type { PlantCalendar } from '../orders/plant-day.js';
import type { Minutes } from '../units.js';

/** What of an order decides which tokens a change of it touches. */
export type OrderFootprint = Pick<Order, 'id' | 'createdAt' | 'partnerId' | 'filePath'>;

/** One order as it was and as it is; `null`: it did not exist, or exists no more. */
export interface OrderChange {
  readonly before: OrderFootprint | null;
  readonly after: OrderFootprint | null;
}

/**
 * The tokens that `changes` make worthless: of the order itself, of every list that held or holds it (at every level, so
 * that any level is always right to read), and of who owns its file where that may have changed.
 */
export function touchedTokens(changes: readonly OrderChange[], levels: readonly Minutes[], calendar: PlantCalendar): string[] {
  const tokens = new Set<string>();
  for (const { before, after } of changes) {
    for (const order of [before, after]) {
      if (!order) continue;
      tokens.add(orderTokenKey(order.id));
      for (const list of listsContaining(order.createdAt, levels, calendar)) tokens.add(listTokenKey(list));
    }
    if (before?.filePath === after?.filePath && before?.partnerId === after?.partnerId) continue;
    for (const path of [before?.filePath, after?.filePath]) if (path) tokens.add(fileOwnersTokenKey(path));
  }
  return [...tokens];
}
