import { authorise, maySeeOrder } from '../access/policy.js';
import type { Viewer } from '../access/viewer.js';
import type { Recording } from '../cache/ready-answers.js';
import type { OrderList } from '../orders/lists.js';
import { checkedOrderId, type Order } from '../orders/order.js';
import { checkedCut, pageOf, type OrderPage, type PageRequest } from '../orders/page.js';
import type { PlantCalendar } from '../orders/plant-day.js';
import { cover, type TimeRange } from '../orders/tiles.js';
import { wantedRange } from '../orders/window.js';
import type { Clock, EpochMilliseconds, Minutes } from '../units.js';
import type { Loaders } from './loaders.js';

export interface OrderArguments extends PageRequest {
  readonly createdBy?: EpochMilliseconds | undefined;
  readonly window?: Minutes | undefined;
}

export interface OrderReadParts {
  readonly calendar: PlantCalendar;
  /** The size of the tiles that ranges are covered with. */
  readonly level: Minutes;
  readonly clock: Clock;
}

/** Is told how an answer depends on the clock. */
export type Validity = Pick<Recording<unknown>, 'onlyWithin' | 'onlyNow'>;

/** What one viewer reads of orders. Cached lists are shared by all viewers; what is not the viewer's is left out here. */
export class OrderReads {
  constructor(
    private readonly viewer: Viewer,
    private readonly loaders: Loaders,
    private readonly parts: OrderReadParts,
    private readonly validity: Validity,
  ) {}

  /** @throws GatewayError */
  async page(request: OrderArguments): Promise<OrderPage> {
    authorise(this.viewer, 'read-orders');
    const cut = checkedCut(request);
    const { range, lists } = this.wanted(request);
    const answers = await Promise.all(lists.map((list) => this.loaders.lists.load(list)));
    return pageOf(answers, range, (order) => maySeeOrder(this.viewer, order), cut);
  }

  /** `null`: there is no such order, or the viewer may not see it. */
  async one(id: string): Promise<Order | null> {
    authorise(this.viewer, 'read-orders');
    const { value: order } = await this.loaders.orders.load(checkedOrderId(id));
    return order && maySeeOrder(this.viewer, order) ? order : null;
  }

  /** Newest first. */
  private wanted({ createdBy, window }: OrderArguments): { range: TimeRange; lists: OrderList[] } {
    const now = this.parts.clock();
    const wanted = wantedRange(createdBy, window, now);
    if (wanted.kind === 'today') {
      const day = this.parts.calendar.dayOf(now);
      this.validity.onlyWithin(day.range);
      return { range: day.range, lists: [{ kind: 'new', day }] };
    }
    if (createdBy === undefined) this.validity.onlyNow();
    const tiles = cover(wanted.range, this.parts.level).reverse();
    return { range: wanted.range, lists: tiles.map((tile) => ({ kind: 'tile', tile })) };
  }
}
