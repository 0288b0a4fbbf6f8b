import { encodeAuditCursor } from '../audit/cursor.js';
import { encodeCursor } from '../orders/cursor.js';
import type { OrderStatus } from '../orders/order.js';
import type { StatusChange } from '../orders/status-flow.js';
import { fileName } from '../files/path.js';
import type { Resolvers } from './generated/types.js';
import { DateTime, Url } from './scalars.js';

/** Thin: each names the one thing that answers it. */
export const resolvers: Resolvers = {
  DateTime,
  URL: Url,
  Query: {
    orders: (_parent, { createdBy, window, status, first, after }, { orders }) =>
      orders.page({
        createdBy: createdBy ?? undefined,
        window: window ?? undefined,
        status: status ?? undefined,
        first: first ?? undefined,
        after: after ?? undefined,
      }),
    order: (_parent, { id }, { orders }) => orders.one(id),
    file: (_parent, { path }, { files }) => files.one(path),
    windowLevels: (_parent, { from, to }, { orders }) => orders.levels({ from: from ?? undefined, to: to ?? undefined }),
    auditLog: (_parent, { first, after, orderId, filePath, actor, from, to }, { audit }) =>
      audit.page({
        first: first ?? undefined,
        after: after ?? undefined,
        orderId: orderId ?? undefined,
        filePath: filePath ?? undefined,
        actor: actor ?? undefined,
        from: from ?? undefined,
        to: to ?? undefined,
      }),
  },
  Mutation: {
    updateOrderStatus: async (_parent, change, { commands, end }) => {
      end.check();
      const [order] = await commands.changeStatuses([changeOf(change)]);
      if (!order) throw new Error('must answer the changed order, but got none');
      return order;
    },
    updateOrderStatuses: (_parent, { changes }, { commands, end }) => {
      end.check();
      return commands.changeStatuses(changes.map(changeOf));
    },
    fileChanged: async (_parent, { path }, { commands, files, end }) => {
      end.check();
      const reread = () => files.one(path);
      await commands.fileChanged(path, reread);
      return reread();
    },
  },
  Subscription: {
    orderChanged: {
      subscribe: (_parent, { createdBy, window, status }, { events }) =>
        events.orderChanged({ createdBy: createdBy ?? undefined, window: window ?? undefined, status: status ?? undefined }),
    },
    newOrders: { subscribe: (_parent, _arguments, { events }) => events.newOrders() },
    orderRemoved: {
      subscribe: (_parent, { createdBy, window }, { events }) =>
        events.orderRemoved({ createdBy: createdBy ?? undefined, window: window ?? undefined }),
    },
  },
  OrderConnection: {
    nodes: ({ orders }) => orders,
    edges: ({ orders }) => orders,
    pageInfo: (page) => {
      const [first, last] = [page.orders[0], page.orders.at(-1)];
      return {
        hasNextPage: page.hasNextPage,
        hasPreviousPage: page.hasPreviousPage,
        startCursor: first ? encodeCursor(first) : null,
        endCursor: last ? encodeCursor(last) : null,
      };
    },
  },
  AuditConnection: {
    nodes: ({ entries }) => entries,
    edges: ({ entries }) => entries,
    pageInfo: ({ entries, hasNextPage, hasPreviousPage }) => {
      const [first, last] = [entries[0], entries.at(-1)];
      return {
        hasNextPage,
        hasPreviousPage,
        startCursor: first ? encodeAuditCursor(first) : null,
        endCursor: last ? encodeAuditCursor(last) : null,
      };
    },
  },
  AuditEdge: {
    node: (entry) => entry,
    cursor: (entry) => encodeAuditCursor(entry),
  },
  AuditEntry: {
    actor: (entry) => entry,
  },
  LevelCost: {
    msPerMinute: ({ cost }) => cost,
  },
  OrderEdge: {
    node: (order) => order,
    cursor: (order) => encodeCursor(order),
  },
  Order: {
    file: (order, _arguments, { files }) => files.ofOrder(order),
  },
  File: {
    name: ({ path }) => fileName(path),
    url: ({ path }, { delivery, expiresIn }, { urls }) =>
      delivery === 'STORE' ? urls.store(path, expiresIn ?? 300) : urls.gateway(path, expiresIn ?? 300),
  },
};

function changeOf(change: { id: string; status: OrderStatus; expectedVersion?: number | null }): StatusChange {
  return { id: change.id, status: change.status, expectedVersion: change.expectedVersion ?? undefined };
}
