import fc from 'fast-check';
import { encodeCursor } from '../src/orders/cursor.js';
import { newestFirst, type Order, type OrderStatus } from '../src/orders/order.js';
import { checkedCut, PAGE_MAX, pageOf, type LoadedList, type OrderPage, type PageRequest } from '../src/orders/page.js';
import { cover, rangeOf, type TimeRange } from '../src/orders/tiles.js';
import { HOUR, MINUTE } from '../src/units.js';
import { anyMoment, anyOrders, anyPartner, anyStatus, createdIn, errorWith, idOf, listed, orderOf } from './support/orders.js';

const START = Date.parse('2025-07-24T15:00Z');
const WORLD: TimeRange = { from: START, to: START + 3 * HOUR };
const everything = (): boolean => true;

/** The lists that a request for `range` reads, as a gateway with tiles of 15 minutes does. */
function listsOf(orders: readonly Order[], range: TimeRange): LoadedList[] {
  const tiles = cover(range, 15).reverse();
  return tiles.map((tile) => ({ value: createdIn(listed(orders), rangeOf(tile)), loadedAt: START }));
}

interface Question {
  readonly range: TimeRange;
  readonly status: OrderStatus[] | undefined;
  readonly isVisible: (order: Order) => boolean;
}

const anyRange = fc
  .tuple(anyMoment(WORLD), fc.integer({ min: 1, max: 120 }))
  .map(([from, minutes]): TimeRange => ({ from, to: Math.min(from + minutes * MINUTE, WORLD.to) }));

const anyQuestion: fc.Arbitrary<Question> = fc.record({
  range: fc.oneof(fc.constant(WORLD), anyRange),
  status: fc.option(fc.uniqueArray(anyStatus), { nil: undefined }),
  isVisible: fc.oneof(
    fc.constant(everything),
    anyPartner.map((partner) => (order: Order) => order.partnerId === partner),
  ),
});

/** The naive model: all that match, in the order of the list. */
function matching(orders: readonly Order[], { range, status, isVisible }: Question): Order[] {
  return createdIn(listed(orders), range).filter((order) => isVisible(order) && (status?.includes(order.status) ?? true));
}

const ask = (orders: readonly Order[], { range, status, isVisible }: Question, request: PageRequest): OrderPage =>
  pageOf(listsOf(orders, range), range, isVisible, checkedCut({ ...request, status }));

interface Edit {
  readonly kind: 'move' | 'insert' | 'remove';
  readonly which: number;
  readonly id: string;
  readonly status: OrderStatus;
  readonly createdAt: number;
}

const anyEdit: fc.Arbitrary<Edit> = fc.record({
  kind: fc.constantFrom('move', 'insert', 'remove'),
  which: fc.nat(),
  id: fc.integer({ min: 0x10000, max: 0xfffffff }).map(idOf),
  status: anyStatus,
  createdAt: anyMoment(WORLD),
});

/** `orders` after a change of status, with another order, or with one order less. */
function edited(orders: Order[], { kind, which, id, status, createdAt }: Edit): Order[] {
  const index = which % Math.max(orders.length, 1);
  if (kind === 'insert') return [...orders.filter((order) => order.id !== id), orderOf({ id, createdAt, status })];
  if (kind === 'remove') return orders.filter((_, at) => at !== index);
  return orders.map((order, at) => (at === index ? { ...order, status } : order));
}

/** Everything that a walk through all pages gives. `between` may change the orders after each page. */
function walk(
  start: readonly Order[],
  question: Question,
  first: number,
  between: (orders: Order[], page: number) => Order[] = (same) => same,
): Order[] {
  let orders = [...start];
  let after: string | undefined;
  const seen: Order[] = [];
  for (let number = 0; ; number += 1) {
    const page = ask(orders, question, { first, after });
    expect(page.totalCount).toBe(matching(orders, question).length);
    seen.push(...page.orders);
    const last = page.orders.at(-1);
    if (!last || !page.hasNextPage) return seen;
    // A walk that goes in circles ends here.
    expect(number).toBeLessThan(200);
    after = encodeCursor(last);
    orders = between(orders, number);
  }
}

const isAt = (order: Order, place: Pick<Order, 'createdAt' | 'id'>) =>
  order.createdAt === place.createdAt && order.id === place.id;

describe('pages', () => {
  test('have one order, whatever order the database gives: newest first, ties by id, descending', () => {
    const shuffled = anyOrders(WORLD).chain((orders) => fc.shuffledSubarray(orders, { minLength: orders.length }));
    fc.assert(fc.property(shuffled, (orders) => expect(orders.toSorted(newestFirst)).toEqual(listed(orders))));
  });

  test('walked through give each matching order exactly once, in order', () => {
    fc.assert(
      fc.property(anyOrders(WORLD), anyQuestion, fc.integer({ min: 1, max: 7 }), (orders, question, first) => {
        expect(walk(orders, question, first)).toEqual(matching(orders, question));
      }),
      { numRuns: 300 },
    );
  });

  test('begin after any place, whether an order is there or not', () => {
    const anyPlace = fc.record({ createdAt: anyMoment(WORLD), id: fc.integer({ min: 0, max: 0xffff }).map(idOf) });
    const anyFirst = fc.option(fc.integer({ min: 0, max: 50 }), { nil: undefined });
    fc.assert(
      fc.property(anyOrders(WORLD), anyQuestion, anyPlace, anyFirst, (orders, question, place, first) => {
        const all = matching(orders, question);
        const rest = all.filter((order) => listed([order, orderOf(place)]).at(-1) === order && !isAt(order, place));
        const page = ask(orders, question, { first, after: encodeCursor(place) });
        expect(page.orders).toEqual(rest.slice(0, first));
        expect(page).toMatchObject({
          totalCount: all.length,
          hasPreviousPage: rest.length < all.length,
          hasNextPage: page.orders.length < rest.length,
        });
      }),
      { numRuns: 300 },
    );
  });

  test('miss and double nothing that is there and matches all the time, whatever changes in between', () => {
    const anyEdits = fc.array(fc.array(anyEdit, { maxLength: 5 }), { maxLength: 10 });
    fc.assert(
      fc.property(anyOrders(WORLD), anyQuestion, fc.integer({ min: 1, max: 5 }), anyEdits, (start, question, first, edits) => {
        let steady = matching(start, question).map(({ id }) => id);
        const change = (orders: Order[], edit: Edit): Order[] => {
          const changed = edited(orders, edit);
          const now = new Set(matching(changed, question).map(({ id }) => id));
          steady = steady.filter((id) => now.has(id));
          return changed;
        };
        const seen = walk(start, question, first, (orders, page) => (edits[page] ?? []).reduce(change, orders)).map(
          ({ id }) => id,
        );
        expect(seen).toEqual([...new Set(seen)]);
        expect(steady.filter((id) => !seen.includes(id))).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  test.each([
    [0, 0, true],
    [1, 1, true],
    [3, 3, false],
    [PAGE_MAX, 3, false],
    [undefined, 3, false],
  ])('of at most %s orders, of three', (first, length, hasNextPage) => {
    const three = [1, 2, 3].map((number) => orderOf({ id: idOf(number) }));
    const page = ask(three, { range: WORLD, status: undefined, isVisible: everything }, { first });
    expect(page.orders).toHaveLength(length);
    expect(page).toMatchObject({ totalCount: 3, hasNextPage, hasPreviousPage: false });
  });

  test.each([-1, -(2 ** 31), PAGE_MAX + 1, NaN])('of %i orders are refused', (first) => {
    const message = `"first" must be 0 to 10000, but got: ${first}.`;
    expect(() => checkedCut({ first })).toThrow(errorWith({ code: 'BAD_USER_INPUT', message }));
  });

  test('hold 10 000 orders at most; the answer says that it was cut, and the rest can be had', () => {
    const orders = Array.from({ length: PAGE_MAX + 1 }, (_, number) => orderOf({ id: idOf(number) }));
    const question = { range: WORLD, status: undefined, isVisible: everything };
    const page = ask(orders, question, {});
    expect(page.orders).toHaveLength(10_000);
    expect(page).toMatchObject({ totalCount: 10_001, hasNextPage: true, hasPreviousPage: false });
    const rest = ask(orders, question, { after: encodeCursor(page.orders.at(-1)!) });
    expect(rest).toMatchObject({ orders: [{ id: idOf(0) }], totalCount: 10_001, hasNextPage: false, hasPreviousPage: true });
  });

  test('without any status match no order', () => {
    const page = pageOf(listsOf([orderOf()], WORLD), WORLD, everything, checkedCut({ status: [] }));
    expect(page).toMatchObject({ orders: [], totalCount: 0, hasNextPage: false, hasPreviousPage: false });
  });

  test('are as old as the oldest of their lists', () => {
    const lists = [30, 10, 20].map((loadedAt) => ({ value: [], loadedAt }));
    expect(pageOf(lists, WORLD, everything, checkedCut({})).asOf).toBe(10);
  });
});
