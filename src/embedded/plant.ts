import type { Order } from '../orders/order.js';
import { DAY, HOUR, type EpochMilliseconds, type Milliseconds } from '../units.js';
import { draftOrder, orderNumber, type OrderDraft } from './plant-catalog.js';
import { progressAt, type Progress } from './plant-life.js';
import { seededRandom, type Random } from './random.js';

export interface PlantOptions {
  /** Orders are created in `[from, to)`. */
  readonly from: EpochMilliseconds;
  readonly to: EpochMilliseconds;
  /** The same seed and times give the same plant. */
  readonly seed: string;
  /** The moment whose statuses are wanted; not before `to`. */
  readonly now: EpochMilliseconds;
  /** Serial of the first order number. */
  readonly firstSerial?: number;
  /** The plant's local time minus UTC. */
  readonly utcOffset?: Milliseconds;
}

const FIRST_SERIAL = 10_001;
const ORDERS_PER_DAY = 250;
/** Arrivals by local hour, relative to the busiest; index 0 is midnight. The dip at 12 is lunch. */
const WEEKDAY = [3, 2, 2, 2, 2, 4, 12, 45, 80, 100, 100, 95, 65, 85, 95, 90, 75, 45, 20, 12, 8, 6, 5, 4];
const WEEKEND = [2, 2, 1, 1, 1, 2, 4, 8, 12, 14, 14, 14, 12, 12, 12, 10, 10, 8, 7, 6, 5, 4, 3, 2];
/** The two hours before `now` have at least this many orders an hour, so that there is something to look at by night too. */
const LIVELY: Milliseconds = 2 * HOUR;
const LIVELY_PER_HOUR = 12;

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const PER_HOUR_SCALE = (7 * ORDERS_PER_DAY) / (5 * sum(WEEKDAY) + 2 * sum(WEEKEND));
const PEAK_PER_HOUR = Math.max(...WEEKDAY) * PER_HOUR_SCALE;

/**
 * The orders of a demo plant, oldest first, about 250 a day on average.
 * Arrivals are an inhomogeneous Poisson process, made by thinning one of the peak rate (Lewis and Shedler, 1979).
 */
export function* generateOrders(options: PlantOptions): Generator<Order, void, undefined> {
  const random = seededRandom(options.seed);
  let serial = options.firstSerial ?? FIRST_SERIAL;
  for (const createdAt of arrivals(options, random)) {
    const draft = draftOrder(random);
    yield assembleOrder(draft, orderNumber(serial, createdAt), createdAt, progressAt(draft.id, createdAt, options.now));
    serial += 1;
  }
}

/** The order as it stands; its model is there once the file is uploaded. */
export function assembleOrder(draft: OrderDraft, number: string, createdAt: EpochMilliseconds, progress: Progress): Order {
  const { model, ...rest } = draft;
  // INITIATED is version 1; an order cancelled from there is version 2 and never had a file.
  const uploaded = progress.version >= (progress.status === 'CANCELLED' ? 3 : 2);
  return { ...rest, number, createdAt, ...progress, filePath: uploaded ? model : null };
}

function* arrivals(
  { from, to, now, utcOffset = 0 }: PlantOptions,
  random: Random,
): Generator<EpochMilliseconds, void, undefined> {
  let time: number = from;
  for (;;) {
    time += (-Math.log(1 - random()) * HOUR) / PEAK_PER_HOUR;
    if (time >= to) return;
    const usual = ratePerHour(time + utcOffset);
    const rate = now - time < LIVELY ? Math.max(usual, LIVELY_PER_HOUR) : usual;
    if (random() * PEAK_PER_HOUR < rate) yield Math.floor(time);
  }
}

function ratePerHour(local: EpochMilliseconds): number {
  // 1970-01-01 was a Thursday.
  const weekday = (Math.floor(local / DAY) + 4) % 7;
  const hours = weekday === 0 || weekday === 6 ? WEEKEND : WEEKDAY;
  return (hours[Math.floor((local % DAY) / HOUR)] ?? 0) * PER_HOUR_SCALE;
}
