import * as ask from './access-asks.js';
import { ABSENT_FILE, ABSENT_ID, FILES } from './access-world.js';

/** What one line of the table asks, and what each of `CALLERS` gets; those whose token is not accepted get 401. */
export interface Row {
  readonly name: string;
  /** The root field that it is about, if it is about one. */
  readonly field?: string;
  readonly ask: ask.Ask;
  readonly expected: readonly [string, string, string, string, string, string];
  /** It is answered before anybody looks at a token. */
  readonly open?: true;
}

const [FORBIDDEN, NO] = ['403', '401'] as const;

/** Every cell, but those of subscriptions. Callers: anonymous, operator, read-only operator, partner A, partner B, service. */
export const ROWS: readonly Row[] = [
  {
    name: 'orders: the list',
    field: 'Query.orders',
    ask: ask.list,
    expected: [NO, 'all', 'all', 'own', 'own', FORBIDDEN],
  },
  { name: 'orders: totalCount', field: 'Query.orders', ask: ask.count, expected: [NO, 'all', 'all', 'own', 'own', FORBIDDEN] },
  { name: 'orders: page by page', field: 'Query.orders', ask: ask.pages, expected: [NO, 'all', 'all', 'own', 'own', FORBIDDEN] },
  {
    name: "orders: after a cursor of partner B's",
    field: 'Query.orders',
    ask: ask.afterCursorOfB,
    expected: [NO, 'a place', 'a place', 'a place', 'a place', FORBIDDEN],
  },
  {
    name: 'Order.file in the list',
    field: 'Query.orders',
    ask: ask.filesOfOrders,
    expected: [NO, 'all', 'all', 'own', 'own', FORBIDDEN],
  },
  {
    name: "order(id) of partner A's",
    field: 'Query.order',
    ask: ask.order(({ orders }) => orders.a.id),
    expected: [NO, 'there', 'there', 'there', 'null', FORBIDDEN],
  },
  {
    name: "order(id) of partner B's",
    field: 'Query.order',
    ask: ask.order(({ orders }) => orders.b.id),
    expected: [NO, 'there', 'there', 'null', 'there', FORBIDDEN],
  },
  {
    name: "order(id) of nobody's",
    field: 'Query.order',
    ask: ask.order(({ orders }) => orders.nobody.id),
    expected: [NO, 'there', 'there', 'null', 'null', FORBIDDEN],
  },
  {
    name: 'order(id) of none',
    field: 'Query.order',
    ask: ask.order(() => ABSENT_ID),
    expected: [NO, 'null', 'null', 'null', 'null', FORBIDDEN],
  },
  {
    name: "file(path) of partner A's",
    field: 'Query.file',
    ask: ask.file(FILES.a),
    expected: [NO, 'there', 'there', 'there', 'null', 'there'],
  },
  {
    name: "file(path) of partner B's",
    field: 'Query.file',
    ask: ask.file(FILES.b),
    expected: [NO, 'there', 'there', 'null', 'there', 'there'],
  },
  {
    name: "file(path) of nobody's",
    field: 'Query.file',
    ask: ask.file(FILES.nobody),
    expected: [NO, 'there', 'there', 'null', 'null', 'there'],
  },
  {
    name: 'file(path) that no order names',
    field: 'Query.file',
    ask: ask.file(FILES.unnamed),
    expected: [NO, 'there', 'there', 'null', 'null', 'there'],
  },
  {
    name: 'file(path) of none',
    field: 'Query.file',
    ask: ask.file(ABSENT_FILE),
    expected: [NO, 'null', 'null', 'null', 'null', 'null'],
  },
  ...['GET', 'HEAD'].flatMap((method): Row[] => [
    {
      name: `${method} /files of partner A's`,
      ask: ask.download(method, FILES.a),
      expected: [NO, '200', '200', '200', '404', '200'],
    },
    {
      name: `${method} /files of partner B's`,
      ask: ask.download(method, FILES.b),
      expected: [NO, '200', '200', '404', '200', '200'],
    },
    {
      name: `${method} /files of nobody's`,
      ask: ask.download(method, FILES.nobody),
      expected: [NO, '200', '200', '404', '404', '200'],
    },
    {
      name: `${method} /files that no order names`,
      ask: ask.download(method, FILES.unnamed),
      expected: [NO, '200', '200', '404', '404', '200'],
    },
    {
      name: `${method} /files of none`,
      ask: ask.download(method, ABSENT_FILE),
      expected: [NO, '404', '404', '404', '404', '404'],
    },
  ]),
  {
    name: "a signed URL of partner B's",
    open: true,
    ask: ask.signed((url) => url),
    expected: ['200', '200', '200', '200', '200', '200'],
  },
  {
    name: 'the same for another file',
    open: true,
    ask: ask.signed((url) => url.replace(FILES.b, FILES.a)),
    expected: ['401', '401', '401', '401', '401', '401'],
  },
  {
    name: "updateOrderStatus of partner A's",
    field: 'Mutation.updateOrderStatus',
    ask: ask.change('partner-a'),
    expected: [NO, 'done', FORBIDDEN, FORBIDDEN, FORBIDDEN, FORBIDDEN],
  },
  {
    name: "updateOrderStatus of nobody's",
    field: 'Mutation.updateOrderStatus',
    ask: ask.change(null),
    expected: [NO, 'done', FORBIDDEN, FORBIDDEN, FORBIDDEN, FORBIDDEN],
  },
  {
    name: 'updateOrderStatus of none',
    field: 'Mutation.updateOrderStatus',
    ask: ask.change(undefined),
    expected: [NO, '404', FORBIDDEN, FORBIDDEN, FORBIDDEN, FORBIDDEN],
  },
  {
    name: 'updateOrderStatuses',
    field: 'Mutation.updateOrderStatuses',
    ask: ask.changes,
    expected: [NO, 'done', FORBIDDEN, FORBIDDEN, FORBIDDEN, FORBIDDEN],
  },
  {
    name: "fileChanged of partner A's",
    field: 'Mutation.fileChanged',
    ask: ask.announce(FILES.a),
    expected: [NO, 'there', FORBIDDEN, FORBIDDEN, FORBIDDEN, 'there'],
  },
  {
    name: 'fileChanged of none',
    field: 'Mutation.fileChanged',
    ask: ask.announce(ABSENT_FILE),
    expected: [NO, 'null', FORBIDDEN, FORBIDDEN, FORBIDDEN, 'null'],
  },
  {
    name: 'windowLevels',
    field: 'Query.windowLevels',
    ask: (world, caller) => ask.single(world, caller, '{ windowLevels { day level } }', {}),
    expected: [NO, 'there', 'there', FORBIDDEN, FORBIDDEN, FORBIDDEN],
  },
  {
    name: 'auditLog',
    field: 'Query.auditLog',
    ask: (world, caller) => ask.single(world, caller, '{ auditLog { nodes { at } } }', {}),
    expected: [NO, 'there', 'there', FORBIDDEN, FORBIDDEN, FORBIDDEN],
  },
  { name: 'extensions.cache', ask: ask.report, expected: ['stale?', 'whole', 'whole', 'stale?', 'stale?', 'whole'] },
  ...['/healthz', '/readyz', '/metrics'].map((path): Row => ({
    name: `GET ${path}`,
    open: true,
    ask: ask.status(path),
    expected: ['200', '200', '200', '200', '200', '200'],
  })),
];
