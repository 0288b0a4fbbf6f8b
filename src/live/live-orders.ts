import { authorise } from '../access/policy.js';
import type { Viewer } from '../access/viewer.js';
import type { ChangeSignals } from '../changes/position.js';
import type { Order, OrderStatus } from '../orders/order.js';
import { wantedRange } from '../orders/window.js';
import type { Time } from '../time.js';
import type { EpochMilliseconds, Minutes } from '../units.js';
import { Hub } from './hub.js';
import type { Interest, Topic, TopicEvents } from './interest.js';
import { feedIsOff } from './interruption.js';
import { Listener, type ListenerParts } from './listener.js';

export interface WindowArguments {
  readonly createdBy?: EpochMilliseconds | undefined;
  readonly window?: Minutes | undefined;
}

export interface ChangedArguments extends WindowArguments {
  readonly status?: readonly OrderStatus[] | undefined;
}

export type Events<T extends Topic> = AsyncIterableIterator<TopicEvents[T]>;

/**
 * What one viewer may be told of. Each resolves when everything that is committed from then on will be told.
 * @throws GatewayError UNAUTHENTICATED, FORBIDDEN, BAD_USER_INPUT; SOURCE_UNAVAILABLE, also later by the iterator, when
 * events may have been missed
 */
export interface ViewerEvents {
  orderChanged(args: ChangedArguments): Promise<Events<'orderChanged'>>;
  newOrders(): Promise<Events<'newOrders'>>;
  orderRemoved(args: WindowArguments): Promise<Events<'orderRemoved'>>;
}

export interface LiveOrdersParts {
  readonly signals: Pick<ChangeSignals, 'mode' | 'position' | 'openLog' | 'onWake'>;
  /** Orders as they are now, through the cache; in the order of `ids`. */
  readonly load: (ids: readonly string[]) => Promise<readonly (Order | null)[]>;
  readonly time: Time;
}

/** Orders that change, for all subscriptions of one process. */
export class LiveOrders {
  private readonly hub: Hub;
  private readonly listener: Listener;

  constructor(private readonly parts: LiveOrdersParts) {
    const { signals, load, time } = parts;
    this.hub = new Hub(time.now, () => this.listener.stop());
    const listening: ListenerParts = {
      signals,
      load,
      time,
      tell: (changes) => this.hub.tell(changes),
      fail: (error) => this.hub.fail(error),
    };
    this.listener = new Listener(listening);
  }

  of(viewer: Viewer): ViewerEvents {
    return {
      orderChanged: ({ status, ...window }) =>
        this.open({ topic: 'orderChanged', viewer, ...(status && { statuses: new Set(status) }) }, window),
      newOrders: () => this.open({ topic: 'newOrders', viewer }, {}),
      orderRemoved: (window) => this.open({ topic: 'orderRemoved', viewer }, window),
    };
  }

  private async open<T extends Topic>(interest: Interest<T>, window: WindowArguments): Promise<Events<T>> {
    authorise(interest.viewer, 'watch-orders');
    const rangeAt = rangeOf(window, this.parts.time.now());
    if (this.parts.signals.mode === 'off') throw feedIsOff();
    const watch = this.hub.watch({ ...interest, ...(rangeAt && { rangeAt }) });
    try {
      await this.listener.start();
    } catch (error) {
      await watch.return();
      throw error;
    }
    return watch;
  }
}

/** As for `orders`, but without arguments there is no window; one that ends now moves on with the clock. */
function rangeOf({ createdBy, window }: WindowArguments, now: EpochMilliseconds): Interest['rangeAt'] {
  const at = (moment: EpochMilliseconds) => wantedRange(createdBy, window, moment);
  if (at(now).kind === 'today') return undefined;
  return (moment) => {
    const wanted = at(moment);
    if (wanted.kind === 'today') throw new Error('must be a range as it was when the subscription began');
    return wanted.range;
  };
}
