import { generateOrders } from '../src/embedded/plant.js';
import { progressAt } from '../src/embedded/plant-life.js';
import { SAMPLE_FILE_PATHS } from '../src/embedded/sample-files.js';
import { ORDER_STATUSES, type Order } from '../src/orders/order.js';
import { DAY, HOUR } from '../src/units.js';

/** A Tuesday. */
const NOW = Date.parse('2026-03-10T15:20:00Z');
const FROM = NOW - 90 * DAY;

const generate = (seed: string): Order[] => [...generateOrders({ from: FROM, to: NOW, now: NOW, seed })];
const share = (orders: Order[], matches: (order: Order) => boolean): number => orders.filter(matches).length / orders.length;

describe('the demo plant', () => {
  const orders = generate('one');

  test('has the same orders for the same seed, others for another', () => {
    expect(generate('one')).toEqual(orders);
    expect(generate('two')[0]?.id).not.toBe(orders[0]?.id);
  });

  test('has more than 20 000 orders in 90 days, oldest first, under ascending numbers and unique ids', () => {
    expect(orders.length).toBeGreaterThan(20_000);
    expect(orders.length).toBeLessThan(25_000);
    expect(new Set(orders.map(({ id }) => id)).size).toBe(orders.length);
    const descending = orders.filter((order, index) => {
      const before = orders[index - 1];
      return before !== undefined && (order.createdAt < before.createdAt || order.number <= before.number);
    });
    expect(descending).toEqual([]);
  });

  test('is busy on weekdays from 8 to 17', () => {
    const busy = share(orders, ({ createdAt }) => {
      const date = new Date(createdAt);
      return date.getUTCDay() % 6 !== 0 && date.getUTCHours() >= 8 && date.getUTCHours() < 17;
    });
    expect(busy).toBeGreaterThan(0.7);
    expect(share(orders, ({ createdAt }) => new Date(createdAt).getUTCDay() % 6 === 0)).toBeLessThan(0.12);
  });

  test('keeps its hours in its own zone', () => {
    const shifted = [...generateOrders({ from: FROM, to: NOW, now: NOW, seed: 'one', utcOffset: 9 * HOUR })];
    const hours = shifted.map(({ createdAt }) => new Date(createdAt + 9 * HOUR).getUTCHours());
    expect(hours.filter((hour) => hour >= 8 && hour < 17).length / hours.length).toBeGreaterThan(0.7);
  });

  test('has something new in the last two hours, also in the night of a weekend', () => {
    const night = Date.parse('2026-03-08T03:00:00Z');
    const late = [...generateOrders({ from: night - DAY, to: night, now: night, seed: 'night' })];
    expect(late.filter(({ createdAt }) => createdAt > night - 2 * HOUR).length).toBeGreaterThan(8);
  });

  test('has rows that the contract allows', () => {
    const allowed = (order: Order): boolean =>
      /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(order.id) &&
      /^MO-20\d\d-\d{7}$/.test(order.number) &&
      /^Customer \d{3}$/.test(order.customer) &&
      [null, 'partner-a', 'partner-b', 'partner-c'].includes(order.partnerId) &&
      order.quantity > 0 &&
      order.priceMinor > 0 &&
      order.priceMinor < 2 ** 31 &&
      order.createdAt <= order.updatedAt &&
      order.updatedAt <= NOW &&
      (order.filePath === null || SAMPLE_FILE_PATHS.includes(order.filePath));
    expect(orders.filter((order) => !allowed(order))).toEqual([]);
  });

  test('has a model of partner A alone and one of partner B alone', () => {
    const ownersOf = (path: string) =>
      new Set(orders.filter(({ filePath }) => filePath === path).map(({ partnerId }) => partnerId));
    expect(ownersOf('models/shaft-250.stl')).toEqual(new Set(['partner-a']));
    expect(ownersOf('models/housing-60.stl')).toEqual(new Set(['partner-b']));
    expect(ownersOf('models/ring-17.stl')).toEqual(new Set(['partner-a', 'partner-b', 'partner-c', null]));
  });

  test('has statuses that fit the age, and versions that fit the status', () => {
    const old = orders.filter(({ createdAt }) => NOW - createdAt > 14 * DAY);
    expect(share(old, ({ status }) => status === 'CLOSED')).toBeGreaterThan(0.9);
    expect(share(old, ({ status }) => status === 'CANCELLED')).toBeCloseTo(0.03, 1);
    const fresh = orders.filter(({ createdAt }) => NOW - createdAt < 2 * HOUR);
    expect(share(fresh, ({ status }) => ORDER_STATUSES.indexOf(status) > 4 && status !== 'CANCELLED')).toBe(0);
    expect(new Set(orders.map(({ status }) => status)).size).toBe(ORDER_STATUSES.length);
    const fits = ({ status, version, createdAt, updatedAt }: Order): boolean =>
      (status === 'CANCELLED' || version === ORDER_STATUSES.indexOf(status) + 1) &&
      (status !== 'INITIATED' || updatedAt === createdAt);
    expect(orders.filter((order) => !fits(order))).toEqual([]);
  });

  test('has a model for about nine orders of ten, for none that is INITIATED', () => {
    expect(share(orders, ({ filePath }) => filePath !== null)).toBeCloseTo(0.92, 1);
    expect(orders.some(({ status, filePath }) => status === 'INITIATED' && filePath !== null)).toBe(false);
  });

  test('an order never goes back', () => {
    const ages = Array.from({ length: 70 }, (_, index) => index * 7 * HOUR);
    for (const { id, createdAt } of orders.slice(-300)) {
      const versions = ages.map((age) => progressAt(id, createdAt, createdAt + age).version);
      expect(versions).toEqual(versions.toSorted((a, b) => a - b));
    }
  });
});
