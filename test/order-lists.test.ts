import fc from 'fast-check';
import { orderLists, type ListSource } from '../src/loaders/order-lists.js';
import { applyDelta, type OrderListing } from '../src/orders/list-delta.js';
import type { Order } from '../src/orders/order.js';
import { PlantCalendar } from '../src/orders/plant-day.js';
import type { TimeRange } from '../src/orders/tiles.js';
import { DAY, HOUR, MINUTE } from '../src/units.js';
import { SILENT } from './support/cache-world.js';
import { anyOrders, createdIn, listed, orderOf } from './support/orders.js';

const NOW = Date.parse('2025-07-24T15:20Z');
const RANGE: TimeRange = { from: NOW, to: NOW + HOUR };
const AROUND: TimeRange = { from: NOW - HOUR, to: NOW + 2 * HOUR };

test('a list with its changes applied is the list as it would be read', () => {
  fc.assert(
    fc.property(anyOrders(AROUND), anyOrders(AROUND), fc.func(fc.boolean()), (before, others, isNamed) => {
      const after = listed([...others, ...before.filter(({ id }) => !others.some((other) => other.id === id) && isNamed(id))]);
      const ids = new Set([...before, ...after].map(({ id }) => id));
      const same = (id: string) => before.find((each) => each.id === id) === after.find((each) => each.id === id);
      // What has not changed may be named all the same.
      const changed = new Set([...ids].filter((id) => !same(id) || isNamed(id)));
      const delta = { snapshot: '9:9:', changed, current: after.filter(({ id }) => changed.has(id)).reverse() };
      expect(applyDelta(createdIn(before, RANGE), delta, RANGE)).toEqual(createdIn(after, RANGE));
    }),
  );
});

/** A source that has one order, and says what it was asked for. */
function sourceOf(order: Order, delta: Awaited<ReturnType<ListSource['changesSince']>>) {
  const asked: string[] = [];
  const source: ListSource = {
    ordersCreatedIn: () => {
      asked.push('whole');
      return Promise.resolve({ orders: [order], since: { snapshot: '7:7:', history: 'h' } });
    },
    changesSince: (bases) => {
      asked.push(`since ${bases.map(({ snapshot }) => snapshot).join()}`);
      return Promise.resolve(delta);
    },
  };
  return { source, asked };
}

const CALENDAR = new PlantCalendar('UTC');
const [TODAY, YESTERDAY] = [CALENDAR.dayOf(NOW), CALENDAR.dayOf(NOW - DAY)];
const OLD = orderOf({ status: 'SUBMITTED', createdAt: NOW });
const NEW = orderOf({ status: 'PACKAGING', createdAt: NOW });
const DELTA = { snapshot: '9:9:', changed: new Set([OLD.id]), current: [NEW] };

function listingOf(readWholeAt: number, { range } = TODAY): OrderListing {
  return { orders: [OLD], basis: { range, snapshot: '5:5:', history: 'h', readWholeAt } };
}

describe('a list of which an earlier state is at hand', () => {
  const ttls = { ttl: MINUTE, freshTtl: MINUTE };
  const load = (source: ListSource, formers: readonly (OrderListing | undefined)[]) =>
    orderLists(source, { ttls, readWholeAfter: 10 * MINUTE, clock: () => NOW }).load(
      formers.map(() => ({ kind: 'new', day: TODAY })),
      SILENT,
      (index) => formers[index],
      new AbortController().signal,
    );

  test('is carried on by its changes', async () => {
    const { source, asked } = sourceOf(OLD, DELTA);
    const [listing] = await load(source, [listingOf(NOW - MINUTE)]);
    expect(asked).toEqual(['since 5:5:']);
    expect(listing).toEqual({
      orders: [NEW],
      basis: { range: TODAY.range, snapshot: '9:9:', history: 'h', readWholeAt: NOW - MINUTE },
    });
  });

  test.each([
    { why: 'there is none', formers: [undefined] },
    { why: 'it cannot tell its snapshot', formers: [{ orders: [OLD] }] },
    { why: 'it is of another day', formers: [listingOf(NOW, YESTERDAY)] },
    { why: 'it was carried on for too long', formers: [listingOf(NOW - 10 * MINUTE)] },
    { why: 'one of several has none', formers: [listingOf(NOW), undefined] },
  ])('is read whole if $why', async ({ formers }) => {
    const { source, asked } = sourceOf(OLD, DELTA);
    const [listing] = await load(source, formers);
    expect(asked).toEqual(['whole']);
    expect(listing).toEqual({ orders: [OLD], basis: { range: TODAY.range, snapshot: '7:7:', history: 'h', readWholeAt: NOW } });
  });

  test('is read whole if the changes are not known for sure', async () => {
    const { source, asked } = sourceOf(OLD, undefined);
    await load(source, [listingOf(NOW)]);
    expect(asked).toEqual(['since 5:5:', 'whole']);
  });
});
