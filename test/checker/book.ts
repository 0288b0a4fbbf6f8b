import { pick, randomUuid, type Random } from '../../src/embedded/random.js';
import type { TimeRange } from '../../src/orders/tiles.js';
import { DAY, HOUR, MINUTE } from '../../src/units.js';
import type { Plant } from '../support/plant.js';
import { createdAtOf, LAST_VERSION, newHistory, type OrderHistory } from './history.js';

const FIRST_DAY = Date.parse('2025-07-24T00:00Z');
const FIRST_HOUR = 8;
export const BUSY_HOURS = 6;
const ORDERS_PER_HOUR = 14;
const ORDERS_TODAY = 150;
const CHANGES_TODAY = 0.05;
/** Nobody reads these hours but who needs a cold one. */
const QUIET_DAY = FIRST_DAY - 400 * DAY;
const FIRST_BOARD = FIRST_DAY - 800 * DAY;
const ORDERS_PER_BOARD = 24;
/** Orders that only other programs change. */
const OUTSIDE_FROM = FIRST_DAY - 1_200 * DAY;
const OUTSIDE_HOURS = 6;
const OUTSIDERS = 400;
/** A new day is opened when so few orders of the last one can still be changed. */
const LOW_WATER = 15;

/** Orders that were inserted together, newest first. Groups do not overlap, and nobody reads two of them in one window. */
interface Group extends TimeRange {
  readonly orders: readonly OrderHistory[];
}

/**
 * The orders of the check. Orders are inserted before anybody reads their window. As an order can be changed ten times through
 * gateways, work moves on to a new day of orders when those of one day are closed.
 */
export class Book {
  private readonly byId = new Map<string, OrderHistory>();
  private readonly groups: Group[] = [];
  private readonly days: Group[] = [];
  private todays: readonly OrderHistory[] = [];
  private others: readonly OrderHistory[] = [];
  private outsiderIds: ReadonlySet<string> = new Set();
  private boards = 0;
  private current: readonly OrderHistory[] = [];
  private quietHours = 0;
  private opening = false;

  constructor(
    private readonly plant: Plant,
    private readonly random: Random,
  ) {}

  async open(): Promise<void> {
    const now = Date.now();
    this.todays = (await this.insert({ from: now - 4 * HOUR, to: now - HOUR }, ORDERS_TODAY)).orders;
    this.others = (await this.insert({ from: OUTSIDE_FROM, to: OUTSIDE_FROM + OUTSIDE_HOURS * HOUR }, OUTSIDERS)).orders;
    this.outsiderIds = new Set(this.others.map(({ id }) => id));
    await this.openDay();
  }

  of(id: string): OrderHistory | undefined {
    return this.byId.get(id);
  }

  /** Today's orders, newest first. */
  get today(): readonly OrderHistory[] {
    return this.todays;
  }

  /** Orders that only other programs change, and move within their hours. */
  get outsiders(): readonly OrderHistory[] {
    return this.others;
  }

  /** Up to `count` of them that nobody is changing. */
  freeOutsiders(random: Random, count: number): OrderHistory[] {
    return choose(
      random,
      this.others.filter(({ busy }) => !busy),
      count,
    );
  }

  /** Where an order that other programs move can go. */
  anyPlace(random: Random): number {
    return OUTSIDE_FROM + Math.floor(random() * OUTSIDE_HOURS * HOUR);
  }

  /** The first busy hour of a day that is being worked on: mostly the last one. */
  pickDay(random: Random): number {
    const recent = this.days.slice(-2);
    return (random() < 0.25 ? recent[0] : recent.at(-1))?.from ?? FIRST_DAY;
  }

  pickOrder(random: Random): OrderHistory {
    if (random() < 0.1) return pick(random, this.todays);
    return pick(random, this.days.find(({ from }) => from === this.pickDay(random))?.orders ?? this.todays);
  }

  /** Orders that are in `range`, and those that other programs may move there at any moment. */
  within(range: TimeRange): OrderHistory[] {
    return this.groups
      .filter(({ from, to }) => from < range.to && range.from < to)
      .flatMap(({ orders }) => orders)
      .filter(({ id, createdAt }) => this.outsiderIds.has(id) || (createdAt >= range.from && createdAt < range.to));
  }

  /** Up to `count` orders that can be changed, for one who sets `busy` on them; with `near`, of the same hour. */
  changeable(random: Random, count: number, near?: OrderHistory): OrderHistory[] {
    const hour = near && Math.floor(createdAtOf(near, near.version) / HOUR) * HOUR;
    if (hour !== undefined) return choose(random, this.within({ from: hour, to: hour + HOUR }).filter(canChange), count);
    const candidates = random() < CHANGES_TODAY ? this.todays : (this.days.at(-1)?.orders ?? []);
    const free = candidates.filter(canChange);
    if (candidates !== this.todays && free.length < LOW_WATER) void this.openDay();
    return choose(random, free, count);
  }

  /** Orders that are read all together and changed all together, and in no other way; others take their place when they are closed. */
  async board(): Promise<readonly OrderHistory[]> {
    if (!this.current.some(canChange)) {
      const from = FIRST_BOARD + (this.boards += 1) * DAY;
      this.current = (await this.insert({ from, to: from + HOUR }, ORDERS_PER_BOARD)).orders;
    }
    return this.current;
  }

  /** The start of an hour with some orders that nobody has read. */
  async quietHour(): Promise<number> {
    const from = QUIET_DAY + (this.quietHours += 1) * HOUR;
    await this.insert({ from, to: from + HOUR }, 5);
    return from;
  }

  private async openDay(): Promise<void> {
    if (this.opening) return;
    this.opening = true;
    const from = FIRST_DAY + this.days.length * DAY + FIRST_HOUR * HOUR;
    this.days.push(await this.insert({ from, to: from + BUSY_HOURS * HOUR }, BUSY_HOURS * ORDERS_PER_HOUR));
    this.opening = false;
  }

  /** Half of them on whole minutes, so that ties and moments on a boundary are common. */
  private async insert({ from, to }: TimeRange, count: number): Promise<Group> {
    const made = Array.from({ length: count }, () => {
      const moment = Math.floor(from + this.random() * (to - from));
      return newHistory(randomUuid(this.random), this.random() < 0.5 ? Math.max(from, moment - (moment % MINUTE)) : moment);
    });
    const rows = made.map(({ id, createdAt }) => ({ id, status: 'INITIATED', created_at: new Date(createdAt).toISOString() }));
    await this.plant.insert(...rows);
    for (const order of made) this.byId.set(order.id, order);
    const group = { from, to, orders: made.sort((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1)) };
    this.groups.push(group);
    return group;
  }
}

function canChange({ busy, version }: OrderHistory): boolean {
  return !busy && version < LAST_VERSION;
}

function choose<T>(random: Random, items: readonly T[], count: number): T[] {
  const chosen = new Set<T>();
  while (chosen.size < Math.min(count, items.length)) chosen.add(pick(random, items));
  return [...chosen];
}
