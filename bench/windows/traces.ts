import { between, pick, seededRandom, type Random } from '../../src/embedded/random.js';
import type { OrderArguments } from '../../src/loaders/order-reads.js';
import type { Order } from '../../src/orders/order.js';
import { DAY, HOUR, MINUTE, type EpochMilliseconds, type Milliseconds } from '../../src/units.js';
import { idOf, orderOf } from '../../test/support/orders.js';

/** What callers do at one moment. */
export type TraceEvent =
  | { readonly at: EpochMilliseconds; readonly kind: 'read'; readonly pages: readonly OrderArguments[] }
  | { readonly at: EpochMilliseconds; readonly kind: 'change'; readonly order: Order };

export interface Phase {
  readonly name: string;
  readonly events: readonly TraceEvent[];
}

export interface Traces {
  readonly start: EpochMilliseconds;
  /** Newest first; those of later than `start` come into being meanwhile. */
  readonly orders: readonly Order[];
  readonly phases: readonly Phase[];
}

/** How often things happen, per minute, and what. */
interface Habit {
  readonly reads: number;
  readonly changes: number;
  readonly page: (now: EpochMilliseconds, random: Random) => readonly OrderArguments[];
  /** When a changed order was created. */
  readonly changed: (now: EpochMilliseconds, random: Random) => EpochMilliseconds;
}

const TODAY = Date.parse('2025-07-24T00:00Z');
const YESTERDAY = TODAY - DAY;
const START = TODAY + 8 * HOUR;
const HISTORY_DAYS = 8;
const ORDERS_PER_HOUR = 240;

const wide = (from: EpochMilliseconds, hours: number): OrderArguments[] => [{ createdBy: from, window: hours * 60 }];
const anywhere = (now: EpochMilliseconds, random: Random): EpochMilliseconds =>
  between(random, now - (HISTORY_DAYS - 1) * DAY, now);
const BUSY_HOURS = [6, 10, 15];
const inBusyHour = (random: Random): EpochMilliseconds => YESTERDAY + pick(random, BUSY_HOURS) * HOUR;

/** Somebody looks a day or a week back now and then, and hardly anything changes. */
const QUIET: Habit = {
  reads: 6,
  changes: 1,
  page: (_now, random) => wide(TODAY - between(random, 1, 7) * DAY, pick(random, [8, 24, 24, 72])),
  changed: anywhere,
};
/** Screens that follow the last minutes, and orders of this morning that move on all the time. */
const TODAY_BUSY: Habit = {
  reads: 60,
  changes: 90,
  page: (_now, random) => [{ window: pick(random, [10, 15, 30]) }],
  changed: (now, random) => between(random, now - 3 * HOUR, now),
};
/** Dashboards of whole days, some of hour by hour, and few changes. */
const DASHBOARDS: Habit = {
  reads: 40,
  changes: 0.5,
  page: (_now, random) => {
    const day = YESTERDAY - between(random, 0, 1) * DAY;
    if (random() < 0.5) return wide(day, 24);
    return Array.from({ length: 24 }, (_, hour) => ({ createdBy: day + hour * HOUR, window: 60 }));
  },
  changed: anywhere,
};
/** A few hours of yesterday that many people work on, a quarter of an hour at a time. */
const FEW_HOURS: Habit = {
  reads: 90,
  changes: 60,
  page: (_now, random) => [{ createdBy: inBusyHour(random) + between(random, 0, 3) * 15 * MINUTE, window: 15 }],
  changed: (_now, random) => inBusyHour(random) + between(random, 0, 60 * MINUTE - 1),
};

/** The phases, each of `length`, and one in which two of them take turns. */
export function createTraces(seed: string, length: Milliseconds): Traces {
  const random = seededRandom(seed);
  const phases: Phase[] = [];
  let now = START;
  const add = (name: string, parts: readonly Habit[]): void => {
    const events = parts.flatMap((habit) => {
      const from = now;
      now += length / parts.length;
      return eventsOf(habit, from, now, random);
    });
    phases.push({ name, events });
  };
  add('quiet history', [QUIET]);
  add('busy today', [TODAY_BUSY]);
  add('wide dashboards', [DASHBOARDS]);
  add('many changes on few hours', [FEW_HOURS]);
  add('taking turns', [DASHBOARDS, FEW_HOURS]);
  return { start: START, orders: createOrders(now, random), phases };
}

function eventsOf(habit: Habit, from: EpochMilliseconds, to: EpochMilliseconds, random: Random): TraceEvent[] {
  const times = (perMinute: number): EpochMilliseconds[] => {
    const moments: EpochMilliseconds[] = [];
    for (let at = from; ; moments.push(at)) {
      at += (-Math.log(1 - random()) * MINUTE) / perMinute;
      if (at >= to) return moments;
    }
  };
  const reads = times(habit.reads).map((at): TraceEvent => ({ at, kind: 'read', pages: habit.page(at, random) }));
  const changes = times(habit.changes).map((at): TraceEvent => {
    return { at, kind: 'change', order: orderOf({ createdAt: Math.floor(habit.changed(at, random)) }) };
  });
  return [...reads, ...changes].sort((a, b) => a.at - b.at);
}

function createOrders(end: EpochMilliseconds, random: Random): Order[] {
  const from = TODAY - HISTORY_DAYS * DAY;
  const count = Math.round(((end - from) / HOUR) * ORDERS_PER_HOUR);
  const moments = Array.from({ length: count }, () => between(random, from, end)).sort((a, b) => b - a);
  return moments.map((createdAt, index) => orderOf({ id: idOf(count - index), createdAt }));
}
