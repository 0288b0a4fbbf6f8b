import type { GatewayProcess } from './gateway.js';
import type { CacheReport, GraphqlAnswer, RequestOptions } from './gateway-requests.js';

/** An order as `ORDER_FIELDS` selects it. */
export interface OrderNode {
  id: string;
  number: string;
  status: string;
  createdAt: string;
  updatedAt: string;
  version: number;
  partnerId: string | null;
  filePath: string | null;
}

export interface Connection {
  nodes: OrderNode[];
  totalCount: number;
  asOf: string;
  pageInfo: { hasNextPage: boolean; hasPreviousPage: boolean; startCursor: string | null; endCursor: string | null };
}

export interface OrdersArguments {
  createdBy?: string;
  window?: number;
  status?: readonly string[];
  first?: number;
  after?: string | null;
}

export const ORDER_FIELDS = 'id number status createdAt updatedAt version partnerId filePath';

const ORDERS = `query Orders($createdBy: DateTime, $window: Int, $status: [OrderStatus!], $first: Int, $after: String) {
  orders(createdBy: $createdBy, window: $window, status: $status, first: $first, after: $after) {
    nodes { ${ORDER_FIELDS} }
    totalCount
    asOf
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}`;

const UPDATE = `mutation Update($id: ID!, $status: OrderStatus!, $expectedVersion: Int) {
  updateOrderStatus(id: $id, status: $status, expectedVersion: $expectedVersion) { ${ORDER_FIELDS} }
}`;

const UPDATES = `mutation Updates($changes: [OrderStatusChange!]!) { updateOrderStatuses(changes: $changes) { ${ORDER_FIELDS} } }`;

export interface Change {
  id: string;
  status: string;
  expectedVersion?: number;
}

/** The operations of the contract, as one caller of one gateway sends them. */
export class GraphqlClient {
  constructor(
    private readonly gateway: Pick<GatewayProcess, 'graphql'>,
    private readonly options: RequestOptions = {},
  ) {}

  /** The whole answer, with its errors. */
  send<T = Record<string, unknown>>(query: string, variables?: Readonly<Record<string, unknown>>): Promise<GraphqlAnswer<T>> {
    return this.gateway.graphql<T>(query, variables, this.options);
  }

  /** The data. @throws with the errors if there are any */
  async ask<T>(query: string, variables?: Readonly<Record<string, unknown>>): Promise<T> {
    const { data, errors, status, text } = await this.send<T>(query, variables);
    if (errors || !data) throw new Error(`${status}: ${text}`);
    return data;
  }

  async orders(args: OrdersArguments = {}): Promise<Connection> {
    return (await this.ask<{ orders: Connection }>(ORDERS, { ...args })).orders;
  }

  /** As `orders`, with what the answer cost. */
  async ordersWithCost(args: OrdersArguments = {}): Promise<Connection & { cache: CacheReport }> {
    const { cache, data } = await this.withCost<{ orders: Connection }>(ORDERS, { ...args });
    return { ...data.orders, cache };
  }

  async withCost<T>(
    query: string,
    variables?: Readonly<Record<string, unknown>>,
  ): Promise<{ data: T; cache: CacheReport; text: string }> {
    const headers = { ...this.options.headers, 'x-cache-debug': '1' };
    const answer = await this.gateway.graphql<T>(query, variables, { ...this.options, headers });
    if (answer.errors || !answer.data || !answer.extensions?.cache) throw new Error(`${answer.status}: ${answer.text}`);
    return { data: answer.data, cache: answer.extensions.cache, text: answer.text };
  }

  async order(id: string): Promise<OrderNode | null> {
    const query = `query One($id: ID!) { order(id: $id) { ${ORDER_FIELDS} } }`;
    return (await this.ask<{ order: OrderNode | null }>(query, { id })).order;
  }

  /** The whole answer, because changes are also made to fail. */
  update(change: Change): Promise<GraphqlAnswer<{ updateOrderStatus: OrderNode }>> {
    return this.send(UPDATE, { ...change });
  }

  updates(changes: readonly Change[]): Promise<GraphqlAnswer<{ updateOrderStatuses: OrderNode[] }>> {
    return this.send(UPDATES, { changes });
  }
}

/** The code and message of the only error of an answer. @throws if it has not exactly one */
export function errorOf(answer: GraphqlAnswer<unknown>): { status: number; code: string; message: string } {
  const [error, ...others] = answer.errors ?? [];
  if (!error || others.length > 0) throw new Error(`must have one error, but answered: ${answer.text}`);
  return { status: answer.status, code: error.extensions.code, message: error.message };
}
