import { isoDay, isoMinute, type Tile } from './tiles.js';
import type { OrderList } from './lists.js';

/** Where the store keeps a list; one key for today's newest whatever the day. */
export function listKey(list: OrderList): string {
  if (list.kind === 'new') return 'orders:list:new';
  return `orders:list:createdBy=${isoMinute(list.tile.from)}:TimeWindow=${list.tile.minutes}`;
}

/**
 * Where the store keeps a list's token. Today's newest has one for each day, so that at midnight yesterday's entry stops
 * being valid by itself. The braces are a hash tag: on a Redis Cluster the tokens of one day live in one slot.
 */
export function listTokenKey(list: OrderList): string {
  if (list.kind === 'new') return `token:{orders:${list.day.date}}:new`;
  return `token:{orders:${isoDay(list.tile.from)}}:createdBy=${isoMinute(list.tile.from)}:TimeWindow=${list.tile.minutes}`;
}

const TILE_TOKEN = /^token:\{orders:[^}]*\}:createdBy=(.+):TimeWindow=(\d+)$/;

/** The tile whose token is kept under this key; `undefined`: it is the token of something else. */
export function tileOfTokenKey(tokenKey: string): Tile | undefined {
  const [, from, minutes] = TILE_TOKEN.exec(tokenKey) ?? [];
  return from === undefined ? undefined : { from: Date.parse(from), minutes: Number(minutes) };
}

/** Where the store keeps a single order. */
export function orderKey(id: string): string {
  return `orders:one:id=${id}`;
}

export function orderTokenKey(id: string): string {
  return `token:order:${id}`;
}

/** Where the store keeps whether an order is a partner's. */
export function ownOrderKey(partnerId: string, id: string): string {
  return `order-of:${encodeURIComponent(partnerId)}:${id}`;
}

export function ownOrderTokenKey(partnerId: string, id: string): string {
  return `token:${ownOrderKey(partnerId, id)}`;
}
