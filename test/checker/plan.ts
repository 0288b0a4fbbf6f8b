import { between, pick, type Random } from '../../src/embedded/random.js';
import { HOUR, MINUTE } from '../../src/units.js';
import { BUSY_HOURS, type Book } from './book.js';
import type { TimeRange } from '../../src/orders/tiles.js';
import { createdAtOf, type OrderHistory } from './history.js';

/** What one field of a read must hold. Of a list: those of these orders that are in `range` (absent: all), newest first. */
export interface Part {
  readonly field: string;
  readonly kind: 'list' | 'order';
  readonly expected: readonly OrderHistory[];
  readonly range?: TimeRange;
}

/** One read: what to ask, and what must come. */
export interface Plan {
  readonly query: string;
  readonly parts: readonly Part[];
}

const ORDER = '{ id version status }';
const LIST = `{ totalCount pageInfo { hasNextPage } nodes ${ORDER} }`;
const ALIASES = 24;

/** One operation with a field for each order. */
export function planOrders(orders: readonly OrderHistory[]): Plan {
  const fields = orders.map(({ id }, index) => `o${index}: order(id: "${id}") ${ORDER}`);
  const parts = orders.map((order, index): Part => ({ field: `o${index}`, kind: 'order', expected: [order] }));
  return { query: `{ ${fields.join(' ')} }`, parts };
}

export function planToday(book: Book): Plan {
  return { query: `{ orders ${LIST} }`, parts: [{ field: 'orders', kind: 'list', expected: book.today }] };
}

/** One operation with a field for each window. */
export function planWindows(book: Book, windows: readonly { from: number; minutes: number }[]): Plan {
  const fields = windows.map(({ from, minutes }, index) => {
    const createdBy = new Date(from).toISOString();
    return `w${index}: orders(createdBy: "${createdBy}", window: ${minutes}) ${LIST}`;
  });
  const parts = windows.map(({ from, minutes }, index): Part => {
    const range = { from, to: from + minutes * MINUTE };
    return { field: `w${index}`, kind: 'list', expected: book.within(range), range };
  });
  return { query: `{ ${fields.join(' ')} }`, parts };
}

/** A read of whatever people read: an order, today, a random range of a busy day, or all of that day in 24 windows. */
export function planAny(book: Book, random: Random): Plan {
  const kind = random();
  if (kind < 0.35) return planOrders([book.pickOrder(random)]);
  if (kind < 0.42) return planToday(book);
  if (kind < 0.55) return planFor(book, pick(random, book.outsiders), random);
  const day = book.pickDay(random);
  if (kind < 0.92) {
    const from = day + between(random, -30, BUSY_HOURS * 60 - 1) * MINUTE;
    return planWindows(book, [{ from, minutes: between(random, 5, 150) }]);
  }
  const minutes = (BUSY_HOURS * 60) / ALIASES;
  return planWindows(
    book,
    Array.from({ length: ALIASES }, (_, index) => ({ from: day + index * minutes * MINUTE, minutes })),
  );
}

/** A read that must show this order's last change. */
export function planFor(book: Book, order: OrderHistory, random: Random): Plan {
  if (random() < 0.4) return planOrders([order]);
  if (book.today.includes(order)) return planToday(book);
  return planWindows(book, [{ from: Math.floor(createdAtOf(order, order.version) / HOUR) * HOUR, minutes: 60 }]);
}
