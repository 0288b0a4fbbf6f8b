import { HeaderMap } from '@apollo/server';
import type { DocumentNode } from 'graphql';
import { GatewayError } from '../src/errors.js';
import type { Context } from '../src/graphql/context.js';
import { OperationEnd } from '../src/graphql/operation-end.js';
import type { OrderArguments } from '../src/loaders/order-reads.js';
import { graphqlServer } from './support/graphql-server.js';
import { orderOf } from './support/orders.js';

const { server } = graphqlServer();
beforeAll(() => server.start());
afterAll(() => server.stop());

/** Times that one text is sent: the first ones are executed, the later ones compiled, and kept if `answers` does that. */
const TIMES = 6;

/** Keeps everything for ever. */
function keepingAll(): Context['answers'] & { readonly given: string[] } {
  const [kept, given] = [new Map<DocumentNode, Map<string, string>>(), new Array<string>()];
  return {
    given,
    find: (document, variables) => {
      const body = kept.get(document)?.get(variables);
      if (body !== undefined) given.push(body);
      return Promise.resolve(body);
    },
    keep: (document, variables, body) => {
      kept.set(document, (kept.get(document) ?? new Map<string, string>()).set(variables, body));
      return Promise.resolve();
    },
  };
}

const KEEPING_NONE: Context['answers'] = { find: () => Promise.resolve(undefined), keep: () => Promise.resolve() };

function context(answers: Context['answers']) {
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
    answers,
    cacheReport: () => undefined,
    logError: (error: unknown) => logged.push(error),
    note: () => undefined,
    end: new OperationEnd(),
  } as unknown as Context;
  return { value, logged };
}

async function ask(query: string, variables: Record<string, unknown>, answers = KEEPING_NONE, operationName?: string) {
  const { value, logged } = context(answers);
  const request = { query, variables, ...(operationName !== undefined && { operationName }) };
  const { body, http } = await server.executeOperation(request, { contextValue: value });
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
  for (const answers of [KEEPING_NONE, keepingAll()])
    for (let time = 1; time < TIMES; time += 1) expect(await ask(query, variables, answers)).toEqual(first);
});

test('an operation that is not in the document: the same error, executed or compiled', async () => {
  const query = 'query A { order(id: "a") { number } }';
  const answers = keepingAll();
  for (let time = 0; time < TIMES; time += 1) expect((await ask(query, {}, answers, 'A')).body).toContain('"number":"a"');
  for (const name of ['B', '']) expect((await ask(query, {}, answers, name)).body).toContain('Unknown operation named');
});

describe('an answer that was kept', () => {
  const QUERY = 'query ($at: DateTime!, $n: Int = 9) { orders(createdBy: $at, window: $n) { asOf nodes { id partnerId } } }';

  test('is given for the same values, however they were written', async () => {
    const answers = keepingAll();
    const ways: Record<string, unknown>[] = [
      { at: '2025-07-24T15:00Z' },
      { at: '2025-07-24T17:00+02:00', n: 9 },
      { n: 9.0, at: '2025-07-24T15:00:00.000Z', unused: 1 },
    ];
    for (let time = 0; time < TIMES; time += 1) await ask(QUERY, ways[0]!, answers);
    const before = answers.given.length;
    expect(before).toBeGreaterThan(0);
    for (const way of ways) await ask(QUERY, way, answers);
    expect(answers.given).toHaveLength(before + ways.length);
    await ask(QUERY, { at: '2025-07-24T15:00Z', n: null }, answers);
    expect(answers.given).toHaveLength(before + ways.length);
  });

  test.each<[string, object | undefined]>([
    ['alone', undefined],
    ['with extensions', { stale: false, text: '"}\n' }],
  ])('%s is sent as the same text', async (_how, report) => {
    const answers = keepingAll();
    const bodies: string[] = [];
    for (let time = 0; time < TIMES; time += 1) {
      const { body } = await server.executeHTTPGraphQLRequest({
        httpGraphQLRequest: {
          method: 'POST',
          headers: new HeaderMap([['content-type', 'application/json']]),
          search: '',
          body: { query: `${QUERY} # ${_how}`, variables: { at: '2025-07-24T15:00Z' } },
        },
        context: () => Promise.resolve({ ...context(answers).value, cacheReport: () => report }),
      });
      if (body.kind === 'complete') bodies.push(body.string);
    }
    expect(answers.given.length).toBeGreaterThan(0);
    expect(bodies).toEqual(bodies.map(() => bodies[0]));
    expect(JSON.parse(bodies[0]!)).toMatchObject({ data: { orders: { nodes: [{}, { partnerId: 'p' }] } } });
    expect((JSON.parse(bodies[0]!) as { extensions?: { cache: object } }).extensions?.cache).toEqual(report);
  });
});

test('one text with several variables: each its own answer', async () => {
  const query = 'query ($id: ID!) { order(id: $id) { number } }';
  for (let time = 0; time < TIMES; time += 1)
    expect((await ask(query, { id: `no ${time}` })).body).toContain(`"number":"no ${time}"`);
});
