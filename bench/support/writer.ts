import { ORDER_STATUSES } from '../../src/orders/order.js';
import { HOUR, type EpochMilliseconds, type Milliseconds } from '../../src/units.js';
import { queryOnce } from '../../test/support/servers/postgres.js';
import type { HttpAnswer } from './connection.js';
import { updateRequest, windowRequest } from './operations.js';
import type { Shot } from './load.js';

interface Known {
  readonly id: string;
  readonly hour: EpochMilliseconds;
  /** Index into the status flow. */
  step: number;
  /** Versions in the order of their acknowledgement. */
  readonly acknowledged: { readonly version: number; readonly at: Milliseconds }[];
}

interface WindowAnswer {
  readonly extensions?: { readonly cache?: { readonly stale: boolean } };
  readonly data?: { readonly orders?: { readonly nodes: readonly { readonly id: string; readonly version: number }[] } };
}

const LAST_STEP = ORDER_STATUSES.indexOf('CLOSED');

/** The one writer of a contestant's orders. It makes mutations, and knows of every read whether its answer is too old. */
export class Writer {
  /** Reads that gave an order older than the newest change acknowledged before they were sent. */
  staleReads = 0;
  checkedReads = 0;
  mutations = 0;
  failedMutations = 0;
  private readonly byId = new Map<string, Known>();
  private readonly idle = new Map<EpochMilliseconds, Known[]>();

  private constructor(
    orders: readonly { id: string; hour: number }[],
    private readonly token: string,
  ) {
    for (const { id, hour } of orders) {
      const known: Known = { id, hour, step: 0, acknowledged: [] };
      this.byId.set(id, known);
      this.giveBack(known);
    }
  }

  /** For the orders of a database whose hours were all set back to the first status. */
  static async of(url: string, hours: readonly EpochMilliseconds[], token: string): Promise<Writer> {
    const [from, to] = [Math.min(...hours), Math.max(...hours) + HOUR];
    const rows = await queryOnce(url, 'select id::text, created_at from orders where created_at >= $1 and created_at < $2', [
      new Date(from),
      new Date(to),
    ]);
    const orders = rows.map(({ id, created_at }) => ({
      id: String(id),
      hour: Math.floor(Number(created_at as Date) / HOUR) * HOUR,
    }));
    return new Writer(orders, token);
  }

  /** A mutation of one order of the hour; `undefined` when none there can be changed now. */
  mutation(hour: EpochMilliseconds): Shot | undefined {
    const known = this.idle.get(hour)?.shift();
    if (!known) return undefined;
    const status = ORDER_STATUSES[known.step + 1] ?? 'CLOSED';
    return {
      request: updateRequest(known.id, status, this.token),
      check: (answer) => this.acknowledge(known, answer),
    };
  }

  /** A read of the hour that is checked. `request`: the one made for it before. */
  read(hour: EpochMilliseconds, request = windowRequest(hour, this.token)): Shot {
    return { request, check: (answer, sentAt) => this.judge(answer, sentAt) };
  }

  private acknowledge(known: Known, { body }: HttpAnswer): void {
    const { data } = JSON.parse(body.toString()) as { data?: { updateOrderStatus: { version: number } | null } | null };
    this.mutations += 1;
    const version = data?.updateOrderStatus?.version;
    if (version === undefined) {
      // It may have been committed all the same: what its status is now is not known.
      this.failedMutations += 1;
      return;
    }
    known.step += 1;
    known.acknowledged.push({ version, at: performance.now() });
    this.giveBack(known);
  }

  private judge({ body }: HttpAnswer, sentAt: Milliseconds): void {
    const { data, extensions } = JSON.parse(body.toString()) as WindowAnswer;
    // What says of itself that it is stale was never promised to be fresh.
    if (!data?.orders || extensions?.cache?.stale) return;
    this.checkedReads += 1;
    if (data.orders.nodes.some(({ id, version }) => version < this.newestBefore(id, sentAt))) this.staleReads += 1;
  }

  private newestBefore(id: string, moment: Milliseconds): number {
    return this.byId.get(id)?.acknowledged.findLast(({ at }) => at < moment)?.version ?? 0;
  }

  private giveBack(known: Known): void {
    if (known.step >= LAST_STEP) return;
    const there = this.idle.get(known.hour);
    if (there) there.push(known);
    else this.idle.set(known.hour, [known]);
  }
}
