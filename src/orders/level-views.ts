import { DAY, type Minutes } from '../units.js';
import { countLeading } from './bisect.js';
import { dayOf, type DayNumber } from './level-grid.js';
import { listRange, type OrderList } from './lists.js';
import type { Order } from './order.js';
import { cover, rangeOf, tileAt, type Tile, type TimeRange } from './tiles.js';

/** The fewest tiles that contain `range`, where `levelOf` tells the level of each UTC day. Oldest first. */
export function coverByDay(range: TimeRange, levelOf: (day: DayNumber) => Minutes): Tile[] {
  const tiles: Tile[] = [];
  for (let { from } = range; from < range.to;) {
    const day = dayOf(from);
    const to = Math.min(range.to, (day + 1) * DAY);
    for (const tile of cover({ from, to }, levelOf(day))) tiles.push(tile);
    from = to;
  }
  return tiles;
}

/** The tiles of another level that hold all that `tile` holds: the larger one around it, or the smaller ones in it. Newest first. */
export function sourcesOf(tile: Tile, level: Minutes): OrderList[] {
  const tiles = level >= tile.minutes ? [tileAt(tile.from, level)] : cover(rangeOf(tile), level).reverse();
  return tiles.map((each) => ({ kind: 'tile', tile: each }));
}

/** The orders that were created in `range`, out of `orders` that are newest first. */
export function cut(orders: readonly Order[], range: TimeRange): readonly Order[] {
  const start = countLeading(orders, ({ createdAt }) => createdAt >= range.to);
  const end = countLeading(orders, ({ createdAt }) => createdAt >= range.from);
  return start === 0 && end === orders.length ? orders : orders.slice(start, end);
}

/** What `list` holds, out of the lists of its sources: split or joined. */
export function viewOf(list: OrderList, sources: readonly (readonly Order[])[]): readonly Order[] {
  const [first = []] = sources;
  return sources.length === 1 ? cut(first, listRange(list)) : sources.flat();
}
