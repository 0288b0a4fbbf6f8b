import { listTokenKey } from '../orders/keys.js';
import type { PlantCalendar } from '../orders/plant-day.js';
import { cover } from '../orders/tiles.js';
import { DAY, type EpochMilliseconds, type Minutes } from '../units.js';

/** The tokens of every list that can hold an order created on the UTC day that begins at `from`. */
export function dayTokens(from: EpochMilliseconds, levels: readonly Minutes[], calendar: PlantCalendar): string[] {
  const to = from + DAY;
  const tiles = levels.flatMap((minutes) => cover({ from, to }, minutes));
  const tokens = tiles.map((tile) => listTokenKey({ kind: 'tile', tile }));
  for (let at = from; at < to;) {
    const day = calendar.dayOf(at);
    tokens.push(listTokenKey({ kind: 'new', day }));
    at = day.range.to;
  }
  return tokens;
}
