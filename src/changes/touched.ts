import { ownFileTokenKey } from '../files/keys.js';
import { listTokenKey, orderTokenKey, ownOrderTokenKey } from '../orders/keys.js';
import { listsContaining } from '../orders/lists.js';
import type { Order } from '../orders/order.js';
import type { PlantCalendar } from '../orders/plant-day.js';
import type { EpochMilliseconds, Minutes } from '../units.js';

/** Wider than the times that a list can be asked for. */
export const FIRST_LISTED: EpochMilliseconds = Date.parse('0001-01-02T00:00Z');
export const END_LISTED: EpochMilliseconds = Date.parse('9999-12-31T00:00Z');

/** What of an order decides which tokens a change of it touches. */
export type OrderFootprint = Pick<Order, 'id' | 'createdAt' | 'partnerId' | 'filePath'>;

/** One order as it was and as it is; `null`: it did not exist, or exists no more. */
export interface OrderChange {
  readonly before: OrderFootprint | null;
  readonly after: OrderFootprint | null;
}

/** The order that changed; `undefined`: there was none, before or after. */
export function changedId({ before, after }: OrderChange): string | undefined {
  return (before ?? after)?.id;
}

/**
 * The tokens that `changes` make worthless: of the order itself, of every list that held or holds it (at every level, so
 * that any level is always right to read), and of what is a partner's own where that may have changed.
 */
export function touchedTokens(changes: readonly OrderChange[], levels: readonly Minutes[], calendar: PlantCalendar): string[] {
  const tokens = new Set<string>();
  for (const change of changes) {
    const { before, after } = change;
    for (const token of touchedBesideLists(change)) tokens.add(token);
    for (const createdAt of new Set([before?.createdAt, after?.createdAt])) {
      if (createdAt === undefined || !isListed(createdAt)) continue;
      for (const list of listsContaining(createdAt, levels, calendar)) tokens.add(listTokenKey(list));
    }
  }
  return [...tokens];
}

/** The tokens that `change` touches beside those of lists; one may come twice. */
export function touchedBesideLists({ before, after }: OrderChange): string[] {
  const states = [before, after].filter((order) => order !== null);
  const isOthers = before?.partnerId !== after?.partnerId || before?.id !== after?.id;
  const isOtherFile = isOthers || before?.filePath !== after?.filePath;
  return states.flatMap(({ id, partnerId, filePath }) => [
    orderTokenKey(id),
    ...(isOthers && partnerId !== null ? [ownOrderTokenKey(partnerId, id)] : []),
    ...(isOtherFile && partnerId !== null && filePath ? [ownFileTokenKey(partnerId, filePath)] : []),
  ]);
}

/** Whether a list can hold an order of this time: Postgres knows `infinity` and years that no list can be named after. */
function isListed(createdAt: EpochMilliseconds): boolean {
  return createdAt >= FIRST_LISTED && createdAt < END_LISTED;
}
