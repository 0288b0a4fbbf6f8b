import { authorise, maySeeOrder, sightOf } from '../access/policy.js';
import type { Viewer } from '../access/viewer.js';
import type { Recording } from '../cache/ready-answers.js';
import { GatewayError } from '../errors.js';
import type { OrderList } from '../orders/lists.js';
import { checkedOrderId, type Order } from '../orders/order.js';
import { checkedCut, pageOf, type OrderPage, type PageRequest } from '../orders/page.js';
import type { PlantCalendar } from '../orders/plant-day.js';
import type { DayNumber } from '../orders/level-grid.js';
import { coverByDay } from '../orders/level-views.js';
import type { TimeRange } from '../orders/tiles.js';
import { OPERATION_MAX, wantedRange } from '../orders/window.js';
import { MINUTE, type Clock, type EpochMilliseconds, type Minutes } from '../units.js';
import type { DayLevel, LevelReportRange } from './level-report.js';
import type { Loaders } from './loaders.js';

export interface OrderArguments extends PageRequest {
  readonly createdBy?: EpochMilliseconds | undefined;
  readonly window?: Minutes | undefined;
}

/** The sizes of the tiles that ranges are covered with. */
export interface Levels {
  readonly levelOf: (day: DayNumber) => Minutes;
  /** One operation has read all these ranges. */
  readonly wanted: (ranges: readonly TimeRange[]) => void;
  readonly report: (range: LevelReportRange) => DayLevel[];
}

export interface OrderReadParts {
  readonly calendar: PlantCalendar;
  readonly levels: Levels;
  readonly clock: Clock;
}

/** Is told how an answer depends on the clock, and what is to be done each time that it is given. */
export type AnswerNotes = Pick<Recording<unknown>, 'onlyWithin' | 'onlyNow' | 'eachTime'>;

/** What one viewer reads of orders. Cached lists are shared by all viewers; what is not the viewer's is left out here. */
export class OrderReads {
  /** Asked for by this operation, and not reported yet. */
  private ranges: TimeRange[] = [];
  private spent: Minutes = 0;

  constructor(
    private readonly viewer: Viewer,
    private readonly loaders: Loaders,
    private readonly parts: OrderReadParts,
    private readonly notes: AnswerNotes,
  ) {}

  /** @throws GatewayError */
  async page(request: OrderArguments): Promise<OrderPage> {
    authorise(this.viewer, 'read-orders');
    const cut = checkedCut(request);
    const { range, lists } = this.wanted(request);
    const answers = await Promise.all(lists.map((list) => this.loaders.lists.load(list)));
    this.report();
    return pageOf(answers, range, (order) => maySeeOrder(this.viewer, order), cut);
  }

  /**
   * `null`: there is no such order, or the viewer may not see it. Of an order that is not a partner's own nothing is read, so
   * that what this costs tells no more than the answer.
   */
  async one(given: string): Promise<Order | null> {
    authorise(this.viewer, 'read-orders');
    const id = checkedOrderId(given);
    const sight = sightOf(this.viewer, 'read-orders');
    if (typeof sight === 'object' && !(await this.loaders.ownOrders.load({ ...sight, of: id })).value) return null;
    const { value: order } = await this.loaders.orders.load(id);
    return order && maySeeOrder(this.viewer, order) ? order : null;
  }

  /**
   * How the days of data are cached.
   * @throws GatewayError UNAUTHENTICATED, FORBIDDEN; BAD_USER_INPUT for a range that is none
   */
  levels(range: LevelReportRange): DayLevel[] {
    authorise(this.viewer, 'read-levels');
    this.notes.onlyNow();
    return this.parts.levels.report(range);
  }

  /** Newest first. */
  private wanted({ createdBy, window }: OrderArguments): { range: TimeRange; lists: OrderList[] } {
    const now = this.parts.clock();
    const wanted = wantedRange(createdBy, window, now);
    if (wanted.kind === 'today') {
      const day = this.parts.calendar.dayOf(now);
      this.notes.onlyWithin(day.range);
      return { range: day.range, lists: [{ kind: 'new', day }] };
    }
    if (createdBy === undefined) this.notes.onlyNow();
    this.spend(wanted.range);
    this.ranges.push(wanted.range);
    const tiles = coverByDay(wanted.range, this.parts.levels.levelOf).reverse();
    return { range: wanted.range, lists: tiles.map((tile) => ({ kind: 'tile', tile })) };
  }

  /** What one caller asks for at once must not keep the process from all others. */
  private spend({ from, to }: TimeRange): void {
    this.spent += Math.floor((to - from) / MINUTE);
    if (this.spent <= OPERATION_MAX) return;
    throw new GatewayError(
      'BAD_USER_INPUT',
      `The windows of one operation must be at most ${OPERATION_MAX} minutes together (62 days); ask for the rest in another one.`,
    );
  }

  /** The first page that is answered reports what all pages of the operation asked for: they were loaded together. */
  private report(): void {
    if (this.ranges.length === 0) return;
    const [{ levels }, ranges] = [this.parts, this.ranges];
    this.ranges = [];
    this.notes.eachTime(() => levels.wanted(ranges));
  }
}
