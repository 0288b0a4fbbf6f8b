import fc from 'fast-check';
import { getIntrospectionQuery } from 'graphql';
import type { Context } from '../src/graphql/context.js';
import { OperationEnd } from '../src/graphql/operation-end.js';
import { Operations } from '../src/graphql/operations.js';
import { SharedStreams } from '../src/live/shared-streams.js';
import { graphqlServer, LIMITS } from './support/graphql-server.js';

const { server, schema, admission } = graphqlServer();
beforeAll(() => server.start());
afterAll(() => server.stop());
const exposure = { introspection: true };
const operations = new Operations({ apollo: server, schema, streams: new SharedStreams(), admission, exposure });

const logged: unknown[] = [];
const PAGE = { orders: [], totalCount: 0, hasNextPage: false, hasPreviousPage: false, asOf: 0 };

function context(): Context {
  return {
    orders: { page: () => Promise.resolve(PAGE), one: () => null, levels: () => [] },
    files: { one: () => null },
    commands: { changeStatuses: () => [], fileChanged: () => undefined },
    answers: { find: () => Promise.resolve(undefined), keep: () => Promise.resolve() },
    logError: (error: unknown) => logged.push(error),
    cacheReport: () => undefined,
    note: () => undefined,
    debug: true,
    end: new OperationEnd(),
  } as unknown as Context;
}

interface Outcome {
  readonly status: number;
  readonly cost?: unknown;
  readonly error?: { readonly message: string; readonly extensions?: Record<string, unknown> };
}

async function send(query: string, variables?: Record<string, unknown>): Promise<Outcome> {
  const { body, http } = await server.executeOperation({ query, ...(variables && { variables }) }, { contextValue: context() });
  if (body.kind !== 'single') throw new Error('must be answered at once');
  const { errors: [error] = [], extensions } = body.singleResult;
  return { status: http.status ?? 200, cost: extensions?.['cost'], ...(error && { error }) };
}

const repeat = (times: number, piece: (index: number) => string): string =>
  Array.from({ length: times }, (_, i) => piece(i)).join(' ');
const windows = (times: number, fields: string, window = 60): string =>
  `{ ${repeat(times, (i) => `h${i}: orders(createdBy: "2025-07-24T00:00Z", window: ${window}) { totalCount asOf nodes { ${fields} } }`)} }`;
const nested = (levels: number): unknown => (levels === 0 ? 1 : [nested(levels - 1)]);
const ALL =
  'id number status createdAt updatedAt version partnerId customer product material quantity priceMinor currency filePath';
const FILE = 'file { path name size contentType etag lastModified url }';
const VARIABLES = 'query ($status: [OrderStatus!]) { orders(status: $status) { totalCount } }';

/** Each limit: what is just allowed, and what is just refused. */
const EDGES: readonly [limit: string, code: string, max: number, make: (found: number) => [string, Record<string, unknown>?]][] =
  [
    ['rootFields', 'GRAPHQL_VALIDATION_FAILED', LIMITS.rootFields, (n) => [`{ ${repeat(n, (i) => `a${i}: __typename`)} }`]],
    ['fields', 'GRAPHQL_VALIDATION_FAILED', 200, (n) => [`{ orders { ${repeat(n, (i) => `a${i}: totalCount`)} } }`]],
    ['duplicates', 'GRAPHQL_VALIDATION_FAILED', 30, (n) => [`{ orders { ${repeat(n, () => 'totalCount')} } }`]],
    ['introspections', 'GRAPHQL_VALIDATION_FAILED', 5, (n) => [`{ ${repeat(n, (i) => `a${i}: __schema { description }`)} }`]],
    [
      'aliases',
      'GRAPHQL_VALIDATION_FAILED',
      LIMITS.aliases,
      (n) => [
        `{ orders { ${repeat(n - 50, (i) => `a${i}: totalCount`)} } other: orders { ${repeat(49, (i) => `b${i}: asOf`)} } }`,
      ],
    ],
    [
      'directives',
      'GRAPHQL_VALIDATION_FAILED',
      LIMITS.directives,
      (n) => [`{ ${repeat(n, (i) => `... @include(if: true) { a${i}: __typename }`)} }`],
    ],
    ['arguments', 'GRAPHQL_VALIDATION_FAILED', 20, (n) => [`{ orders(${repeat(n, (i) => `x${i}: 1`)}) { totalCount } }`]],
    [
      'definitions',
      'GRAPHQL_VALIDATION_FAILED',
      100,
      (n) => [`{ __typename } ${repeat(n - 1, (i) => `fragment f${i} on Order { id }`)}`],
    ],
    ['nesting', 'GRAPHQL_PARSE_FAILED', 50, (n) => [`${'{ ... '.repeat(n - 1)} { __typename } ${'}'.repeat(n - 1)}`]],
    ['tokens', 'GRAPHQL_PARSE_FAILED', LIMITS.tokens, (n) => [repeat(n, () => 'x')]],
    ['list', 'BAD_USER_INPUT', 1_000, (n) => [`{ orders(status: [${repeat(n, () => 'CLOSED')}]) { totalCount } }`]],
    ['list', 'BAD_USER_INPUT', 1_000, (n) => [VARIABLES, { status: Array.from({ length: n }, () => 'CLOSED') }]],
    ['variables', 'BAD_USER_INPUT', 10, (n) => [VARIABLES, { status: nested(n) }]],
    ['variables', 'BAD_USER_INPUT', 100, (n) => [`query (${repeat(n, (i) => `$v${i}: Int`)}) { __typename }`]],
    ['depth', 'GRAPHQL_VALIDATION_FAILED', LIMITS.depth, (n) => [`${'{ x '.repeat(n - 1)} { x } ${'}'.repeat(n - 1)}`]],
  ];

describe('each limit of an operation', () => {
  test.each(EDGES)('%s, %s, %d', async (limit, code, max, make) => {
    const allowed = await send(...make(max));
    expect(allowed.error?.extensions ?? {}).not.toHaveProperty('limit');
    const refused = await send(...make(max + 1));
    expect(refused).toMatchObject({ status: 400, error: { extensions: { code, limit, max } } });
    expect(refused.error?.extensions?.['found']).toBeGreaterThan(max);
    expect(refused.error?.message).toContain(String(max));
  });

  test('values of variables together', async () => {
    const lists = (values: number) => ({ x: Array.from({ length: 20 }, () => Array.from({ length: values }, () => 1)) });
    // One list, its 20 lists, and what they hold.
    expect((await send(VARIABLES, lists(498))).error).toBeUndefined();
    expect(await send(VARIABLES, lists(499))).toMatchObject({ error: { extensions: { limit: 'variables', max: 10_000 } } });
  });

  test.each([
    ['lists', (inner: unknown) => [inner]],
    ['objects', (inner: unknown) => ({ status: inner })],
  ])('20 000 levels of %s as a variable are bad input', async (_name, wrap) => {
    let value: unknown = 'CLOSED';
    for (let level = 0; level < 20_000; level += 1) value = wrap(value);
    for (const name of ['status', 'unused']) {
      expect(await send(VARIABLES, { [name]: value })).toMatchObject({
        status: 400,
        error: { extensions: { code: 'BAD_USER_INPUT' } },
      });
    }
  });

  test('what fragments bring counts as often as they are spread', async () => {
    const spread = (times: number) =>
      `{ ${repeat(times, () => '...F')} } fragment F on Query { ${repeat(10, (i) => `a${i}: __typename`)} }`;
    expect((await send(spread(10))).error).toBeUndefined();
    expect(await send(spread(11))).toMatchObject({ error: { extensions: { limit: 'rootFields', found: 110 } } });
    const doubled = `{ ...f0 } ${repeat(40, (i) => `fragment f${i} on Query { ${i < 39 ? `...f${i + 1} ...f${i + 1}` : '__typename'} }`)}`;
    expect(await send(doubled)).toMatchObject({ status: 400, error: { extensions: { limit: 'duplicates' } } });
    const circular = '{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }';
    expect(await send(circular)).toMatchObject({ status: 400, error: { extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } } });
  });

  test('introspection as tools do it is allowed; types within types within types are not', async () => {
    expect((await send(getIntrospectionQuery())).error).toBeUndefined();
    const circular = '{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }';
    expect(await send(circular)).toMatchObject({ status: 400 });
    expect(
      await send(`{ __schema { types { fields { type { ${repeat(150, (i) => `a${i}: fields { name }`)} } } } } }`),
    ).toMatchObject({
      status: 400,
      error: { extensions: { limit: 'cost' } },
    });
  });
});

describe('what an operation costs', () => {
  test.each([
    ['24 windows of an hour with all fields, as a dashboard asks', windows(24, ALL), 2_066],
    ['the same with files', windows(24, `${ALL} ${FILE}`), 7_250],
    ['31 days without "first"', windows(1, ALL, 44_640), 2_147],
    ['today without "first"', `{ orders { nodes { ${ALL} } } }`, 1_427],
    ['today, 50 at most', `{ orders(first: 50) { nodes { ${ALL} } } }`, 34],
    ['an order', `{ order(id: "0b6f7a52-1c1e-4d0a-9c55-3f1f0a3f2e11") { ${ALL} } }`, 3],
  ])('%s', async (_name, query, cost) => {
    expect(await send(query)).toEqual({ status: 200, cost });
  });

  test('10 000 windows are refused, also where they are few enough at the root', async () => {
    const many = windows(10_000, 'id');
    expect(await send(many)).toMatchObject({ status: 400 });
    const dear = await send(windows(40, `${ALL} ${FILE}`));
    expect(dear).toMatchObject({
      status: 400,
      error: { extensions: { code: 'BAD_USER_INPUT', limit: 'cost', max: 10_000, found: 12_083 } },
    });
    expect(dear.error?.message).toContain('12083');
  });

  test('it is known with the variables and their defaults, and what is left out costs nothing', async () => {
    const query = `query ($window: Int = 44640, $first: Int, $with: Boolean = true) {
      orders(window: $window, first: $first) @include(if: $with) { nodes { id } }
    }`;
    expect(await send(query)).toMatchObject({ cost: 847 });
    expect(await send(query, { first: 10 })).toMatchObject({ cost: 747 });
    expect(await send(query, { first: 10, window: 60 })).toMatchObject({ cost: 4 });
    expect(await send(query, { first: 10, window: 61 })).toMatchObject({ cost: 5 });
    expect(await send(query, { with: false })).toMatchObject({ cost: 1 });
  });

  test('just at the most and just above it', async () => {
    const { server: strict } = graphqlServer({ limits: { ...LIMITS, cost: 5 } });
    await strict.start();
    const ask = async (window: number) => {
      const query = `{ orders(createdBy: "2025-07-24T00:00Z", window: ${window}, first: 10) { nodes { id } } }`;
      const { body, http } = await strict.executeOperation({ query }, { contextValue: context() });
      return { status: http.status ?? 200, errors: body.kind === 'single' ? body.singleResult.errors : undefined };
    };
    expect(await ask(120)).toEqual({ status: 200, errors: undefined });
    expect(await ask(121)).toMatchObject({ status: 400, errors: [{ extensions: { limit: 'cost', max: 5, found: 6 } }] });
    await strict.stop();
  });

  test('mutations and subscriptions have a price too', () => {
    const of = (query: string, variables?: Record<string, unknown>) => {
      const prepared = operations.prepare({ query, variables });
      return prepared.kind === 'operation' ? prepared.cost : prepared.errors[0]?.message;
    };
    const bulk = 'mutation ($changes: [OrderStatusChange!]!) { updateOrderStatuses(changes: $changes) { id } }';
    expect(of(bulk, { changes: Array.from({ length: 500 }, () => ({})) })).toBe(522);
    expect(of('subscription { newOrders { id } }')).toBe(13);
  });
});

describe('other ways than one HTTP request', () => {
  test.each(EDGES)('%s, %s, %d', (limit, code, max, make) => {
    const [query, variables] = make(max + 1);
    const prepared = operations.prepare({ query, variables });
    const [error] = prepared.kind === 'refused' ? operations.format(prepared.errors) : [];
    expect(error?.extensions).toMatchObject({ code, limit, max });
  });

  test('the cost', () => {
    const prepared = operations.prepare({ query: windows(40, `${ALL} ${FILE}`) });
    expect(prepared).toMatchObject({
      kind: 'refused',
      errors: [{ extensions: { code: 'BAD_USER_INPUT', limit: 'cost', found: 12_083 } }],
    });
  });
});

test('no random document, and no random variables, are a fault of the gateway', async () => {
  const names = fc.constantFrom(
    'orders',
    'nodes',
    'id',
    'file',
    'url',
    '__typename',
    '__schema',
    'types',
    'x',
    '__proto__',
    'first',
  );
  const piece = fc.oneof(
    { weight: 6, arbitrary: names },
    fc.constantFrom(
      '{',
      '}',
      '(',
      ')',
      '[',
      ']',
      ':',
      '$',
      '!',
      '...',
      '@',
      '=',
      '|',
      '"',
      '"""',
      '#',
      '\n',
      ',',
      '\uFEFF',
      '\0',
      '\uD800',
    ),
    fc.constantFrom(
      'query',
      'mutation',
      'subscription',
      'fragment',
      'on',
      'Query',
      'Order',
      'null',
      '1e999',
      '-0',
      '@include(if: true)',
    ),
    fc.string({ maxLength: 4 }),
  );
  const field = fc.letrec<{ selection: string }>((tie) => ({
    selection: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      names,
      fc
        .tuple(names, fc.array(tie('selection'), { minLength: 1, maxLength: 4 }))
        .map(([name, below]) => `${name} { ${below.join(' ')} }`),
    ),
  })).selection;
  const document = fc.oneof(
    fc.array(piece, { maxLength: 60 }).map((pieces) => pieces.join(' ')),
    fc
      .array(field, { minLength: 1, maxLength: 6 })
      .map(
        (fields) =>
          `query ($first: Int, $status: [OrderStatus!]) { ${fields.join(' ')} orders(first: $first, status: $status) { totalCount } }`,
      ),
  );
  const variables = fc.option(fc.dictionary(fc.constantFrom('first', 'status', '__proto__', 'x'), fc.anything({ maxDepth: 4 })), {
    nil: undefined,
  });
  await fc.assert(
    fc.asyncProperty(document, variables, async (query, sent) => {
      const { status, error } = await send(query, sent);
      expect({ status: status < 500, code: error?.extensions?.['code'] === 'INTERNAL_SERVER_ERROR' }).toEqual({
        status: true,
        code: false,
      });
      const prepared = operations.prepare({ query, variables: sent });
      if (prepared.kind === 'refused') {
        expect(operations.format(prepared.errors).map(({ extensions }) => extensions?.['code'])).not.toContain(
          'INTERNAL_SERVER_ERROR',
        );
      }
    }),
    { numRuns: 250 },
  );
  expect(logged).toEqual([]);
});
