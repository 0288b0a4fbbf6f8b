import { GatewayError } from '../src/errors.js';
import type { Context } from '../src/graphql/context.js';
import { createGraphqlServer } from '../src/graphql/server.js';
import type { OrderArguments } from '../src/loaders/order-reads.js';
import { orderOf } from './support/orders.js';

const server = createGraphqlServer([]);
beforeAll(() => server.start());
afterAll(() => server.stop());

/** Times that one text is sent: the first ones are executed, the later ones compiled. */
const TIMES = 6;

function context() {
  const logged: unknown[] = [];
  const page = ({ createdBy, window }: OrderArguments) => {
    if (window === 13) return Promise.reject(new GatewayError('BAD_USER_INPUT', `thirteen at ${createdBy}`));
    if (window === 14) return Promise.reject(new TypeError('an internal matter'));
    const orders =
      window === 15 ? [orderOf({ status: 'NONE' as 'CLOSED' })] : [orderOf(), orderOf({ filePath: 'a.stl', partnerId: 'p' })];
    return Promise.resolve({ orders, totalCount: 2, hasNextPage: false, hasPreviousPage: true, asOf: createdBy ?? 0 });
  };
  const value = {
    orders: { page, one: (id: string) => Promise.resolve(id === 'none' ? null : orderOf({ number: id })) },
    files: { ofOrder: ({ filePath }: { filePath: string | null }) => Promise.resolve(filePath && { path: filePath, size: 3 }) },
    urls: { gateway: (path: string, seconds: number) => `http://gateway/${path}?${seconds}` },
    cacheReport: () => undefined,
    logError: (error: unknown) => logged.push(error),
    named: () => undefined,
  } as unknown as Context;
  return { value, logged };
}

async function ask(query: string, variables: Record<string, unknown>) {
  const { value, logged } = context();
  const { body, http } = await server.executeOperation({ query, variables }, { contextValue: value });
  return { body: JSON.stringify(body), status: http.status, logged: logged.map(String) };
}

const FIELDS = 'totalCount asOf nodes { __typename id status createdAt partnerId file { path size name url(expiresIn: 7) } }';

test.each<[string, string, Record<string, unknown>?]>([
  ['a list', `{ orders { ${FIELDS} } }`],
  [
    'fragments, aliases and directives',
    `query ($no: Boolean!) { a: orders { ...F } b: orders { nodes { id @skip(if: $no) number } } } fragment F on OrderConnection { ${FIELDS} edges { cursor node { id } } pageInfo { startCursor hasNextPage } }`,
    { no: true },
  ],
  [
    'variables',
    'query ($at: DateTime, $s: [OrderStatus!]) { orders(createdBy: $at, status: $s) { asOf } }',
    { at: '2025-07-24T17:00+02:00', s: ['CLOSED'] },
  ],
  ['a single value for a list', 'query ($s: [OrderStatus!]) { orders(status: $s) { asOf } }', { s: 'CLOSED' }],
  ['a default', 'query ($w: Int = 13) { orders(window: $w) { asOf } }'],
  ['null', '{ order(id: "none") { id } }'],
  ['introspection', '{ __schema { types { name fields { name } } } }'],
  ['an error for the caller', '{ orders(createdBy: "2025-07-24T15:00Z", window: 13) { asOf } }'],
  ['an error beside data', '{ order(id: "one") { number } bad: orders(window: 13) { asOf } }'],
  ['an internal error', '{ orders(window: 14) { asOf } }'],
  ['a value that the schema does not allow', '{ orders(window: 15) { nodes { status } } }'],
  ['a variable of another type', 'query ($w: Int) { orders(window: $w) { asOf } }', { w: '60' }],
  ['a number that is no Int', 'query ($w: Int) { orders(window: $w) { asOf } }', { w: 1.5 }],
  ['a variable that is missing', 'query ($id: ID!) { order(id: $id) { id } }'],
  ['a date that does not exist', 'query ($at: DateTime) { orders(createdBy: $at) { asOf } }', { at: '2025-02-30T00:00Z' }],
  ['two operations', 'query A { order(id: "a") { id } } query B { order(id: "b") { id } }'],
  ['a field that compiled code cannot make', '{ __proto__: order(id: "one") { number } }'],
])('%s: the same answer, executed or compiled', async (_what, query, variables = {}) => {
  const first = await ask(query, variables);
  for (let time = 1; time < TIMES; time += 1) expect(await ask(query, variables)).toEqual(first);
});

test('one text with several variables: each its own answer', async () => {
  const query = 'query ($id: ID!) { order(id: $id) { number } }';
  for (let time = 0; time < TIMES; time += 1)
    expect((await ask(query, { id: `no ${time}` })).body).toContain(`"number":"no ${time}"`);
});
