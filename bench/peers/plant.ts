import DataLoader from 'dataloader';
import type { Viewer } from '../../src/access/viewer.js';
import { DateTime } from '../../src/graphql/scalars.js';
import { createIdentity } from '../../src/http/identity.js';
import { ORDER_STATUSES, type Order, type OrderStatus } from '../../src/orders/order.js';
import type { TimeRange } from '../../src/orders/tiles.js';
import { MesDatabase } from '../../src/sources/mes-database.js';
import { MINUTE, SECOND, type EpochMilliseconds, type Minutes } from '../../src/units.js';
import { TEST_SECRET } from '../../test/support/tokens.js';

/** As long as the gateway's own default for orders. */
export const TTL_SECONDS = 60;

/** The part of the gateway's schema that the scenarios use. `@cacheControl` means something to Apollo's response cache only. */
export const typeDefs = `
  enum CacheControlScope { PUBLIC PRIVATE }
  directive @cacheControl(maxAge: Int, scope: CacheControlScope, inheritMaxAge: Boolean) on FIELD_DEFINITION | OBJECT
  scalar DateTime
  enum OrderStatus { ${ORDER_STATUSES.join(' ')} }
  type Order {
    id: ID! number: String! status: OrderStatus! createdAt: DateTime! updatedAt: DateTime! version: Int! partnerId: ID
    customer: String! product: String! material: String! quantity: Int! priceMinor: Int! currency: String! filePath: String
  }
  type OrderConnection { nodes: [Order!]! @cacheControl(inheritMaxAge: true) totalCount: Int! }
  type Query { orders(createdBy: DateTime!, window: Int!): OrderConnection! @cacheControl(maxAge: ${TTL_SECONDS}, scope: PRIVATE) }
  type Mutation { updateOrderStatus(id: ID!, status: OrderStatus!): Order! }
`;

export interface WindowArguments {
  readonly createdBy: EpochMilliseconds;
  readonly window: Minutes;
}

export interface Connection {
  readonly nodes: readonly Order[];
  readonly totalCount: number;
}

/** What the resolvers of one request of a peer work with. */
export interface PeerContext {
  readonly viewer: Viewer;
  /** All windows that one operation asks for are loaded by one statement. */
  readonly windows: DataLoader<TimeRange, readonly Order[], string>;
}

/** Where a peer may put its own cache around the load of a window, and its invalidation behind a change. */
export interface Hooks {
  readonly read?: (wanted: WindowArguments, load: () => Promise<Connection>) => Promise<Connection>;
  readonly changed?: (order: Order) => Promise<unknown>;
}

/** The same database access, token check and SQL as the gateway's, without its cache. */
export class PeerPlant {
  /** Loads and changes so far, counted as the gateway counts its own. */
  statements = 0;
  private readonly database: MesDatabase;
  private readonly identity = createIdentity({ keys: { secret: TEST_SECRET } });

  constructor(url: string) {
    this.database = new MesDatabase({ url, poolMax: 10, timeout: 10 * SECOND });
  }

  /** @throws for anybody but an operator */
  async viewerOf(authorization: string | null | undefined): Promise<Viewer> {
    const { viewer } = await this.identity.callerOf(authorization ?? undefined);
    if (viewer.role !== 'operator') throw new Error('must be an operator');
    return viewer;
  }

  async contextOf(authorization: string | null | undefined): Promise<PeerContext> {
    const viewer = await this.viewerOf(authorization);
    const load = (ranges: readonly TimeRange[]) => this.load(ranges);
    return { viewer, windows: new DataLoader(load, { cacheKeyFn: ({ from, to }: TimeRange) => `${from}-${to}` }) };
  }

  resolvers({ read = (_wanted, load) => load(), changed }: Hooks = {}) {
    return {
      DateTime,
      Query: {
        orders: (_parent: unknown, wanted: WindowArguments, { windows }: PeerContext) =>
          read(wanted, async () => {
            const nodes = await windows.load({ from: wanted.createdBy, to: wanted.createdBy + wanted.window * MINUTE });
            return { nodes, totalCount: nodes.length };
          }),
      },
      Mutation: {
        updateOrderStatus: async (_parent: unknown, { id, status }: { id: string; status: OrderStatus }) => {
          this.statements += 1;
          const [change] = await this.database.changeStatuses([{ id, status, expectedVersion: undefined }]);
          await changed?.(change!.after);
          return change!.after;
        },
      },
    };
  }

  private async load(ranges: readonly TimeRange[]): Promise<Order[][]> {
    this.statements += 1;
    const orders = await this.database.ordersCreatedIn(ranges);
    return ranges.map(({ from, to }) => orders.filter(({ createdAt }) => createdAt >= from && createdAt < to));
  }
}
