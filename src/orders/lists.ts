import type { EpochMilliseconds, Minutes } from '../units.js';
import type { PlantCalendar, PlantDay } from './plant-day.js';
import { rangeOf, tileAt, type Tile, type TimeRange } from './tiles.js';

/** One cached list of orders: a tile, or the orders of one day of the plant under the key of today's newest. */
export type OrderList = { readonly kind: 'tile'; readonly tile: Tile } | { readonly kind: 'new'; readonly day: PlantDay };

/** The orders that a list holds are those created in this range. */
export function listRange(list: OrderList): TimeRange {
  return list.kind === 'tile' ? rangeOf(list.tile) : list.day.range;
}

/** Every list that holds an order created at `createdAt`: a tile of each level, and the newest of that day. */
export function listsContaining(createdAt: EpochMilliseconds, levels: readonly Minutes[], calendar: PlantCalendar): OrderList[] {
  const tiles = levels.map((minutes): OrderList => ({ kind: 'tile', tile: tileAt(createdAt, minutes) }));
  return [...tiles, { kind: 'new', day: calendar.dayOf(createdAt) }];
}
