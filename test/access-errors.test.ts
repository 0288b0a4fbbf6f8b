import type { GraphQLFormattedError } from 'graphql';
import { GatewayError, sourceUnavailable } from '../src/errors.js';
import type { Context } from '../src/graphql/context.js';
import { asGraphqlError, isForLog } from '../src/graphql/errors.js';
import { OperationEnd } from '../src/graphql/operation-end.js';
import { graphqlServer } from './support/graphql-server.js';

const STATUSES =
  'Expected one of: INITIATED, FILE_UPLOADED, SUBMITTED, PRICE_CALCULATED, MANUFACTURING_APPROVED, MANUFACTURING_STARTED, ' +
  'MANUFACTURING_COMPLETED, PACKAGING, SHIPPED, CLOSED, CANCELLED.';
const INTERNAL = { message: 'Internal server error', extensions: { code: 'INTERNAL_SERVER_ERROR' } };

const { server } = graphqlServer();
beforeAll(() => server.start());
afterAll(() => server.stop());

/** The errors that a caller gets where reading orders fails with `failure`, and what was logged meanwhile. */
async function errorsOf(query: string, failure = new Error('not to be reached'), variables = {}) {
  const logged: unknown[] = [];
  const fails = () => Promise.reject(failure);
  const contextValue = {
    orders: { page: fails, one: fails },
    logError: (error: unknown) => logged.push(error),
    cacheReport: () => undefined,
    note: () => undefined,
    end: new OperationEnd(),
  } as unknown as Context;
  const { body, http } = await server.executeOperation({ query, variables }, { contextValue });
  const errors = body.kind === 'single' ? (body.singleResult.errors ?? []) : [];
  return { errors: errors as GraphQLFormattedError[], logged, status: http.status };
}

describe('an error of the gateway', () => {
  test.each(['BAD_USER_INPUT', 'FORBIDDEN', 'NOT_FOUND', 'CONFLICT', 'INVALID_TRANSITION', 'RATE_LIMITED'] as const)(
    'keeps its message and its code, and is not logged: %s',
    async (code) => {
      const { errors, logged } = await errorsOf('{ orders { totalCount } }', new GatewayError(code, 'what is wrong'));
      expect(errors).toEqual([
        { message: 'what is wrong', locations: [{ line: 1, column: 3 }], path: ['orders'], extensions: { code } },
      ]);
      expect(logged).toEqual([]);
    },
  );

  test('tells nothing of its cause, which is logged', async () => {
    const failure = sourceUnavailable('database', new Error('password of mes@db is wrong'));
    const { errors, logged } = await errorsOf('{ orders { totalCount } }', failure);
    expect(errors).toMatchObject([{ extensions: { code: 'SOURCE_UNAVAILABLE' } }]);
    expect(JSON.stringify(errors)).not.toContain('password');
    expect(logged).toEqual([failure]);
  });

  test('that says who is missing makes the answer a 401', async () => {
    const { status } = await errorsOf('{ orders { totalCount } }', new GatewayError('UNAUTHENTICATED', 'no token'));
    expect(status).toBe(401);
  });
});

describe('any other failure', () => {
  class DatabaseError extends Error {
    readonly code = '42P01';
    readonly extensions = { code: 'BAD_USER_INPUT', sql: 'select * from orders' };
  }

  test.each([
    ['an error', new Error('relation "orders" of db-7 does not exist')],
    ['an error with extensions', new DatabaseError('relation "orders" of db-7 does not exist')],
    ['a TypeError', new TypeError('Cannot read properties of undefined')],
    ['a text', 'db-7 is gone' as unknown as Error],
    ['nothing', null as unknown as Error],
  ])('is a bare internal error, and logged: %s', async (_name, failure) => {
    const { errors, logged } = await errorsOf('{ orders { totalCount } }', failure);
    expect(errors).toEqual([{ ...INTERNAL, locations: [{ line: 1, column: 3 }], path: ['orders'] }]);
    expect(logged).toHaveLength(1);
  });
});

describe('a wrong operation', () => {
  test.each([
    ['{ orders {', 'GRAPHQL_PARSE_FAILED', 'Syntax Error'],
    ['{ order { id } }', 'GRAPHQL_VALIDATION_FAILED', 'argument "id"'],
    ['{ orders { total } }', 'GRAPHQL_VALIDATION_FAILED', 'Cannot query field "total"'],
    ['{ orders(createdBy: "2025-02-30T00:00Z") { totalCount } }', 'BAD_USER_INPUT', 'DateTime must be'],
    ['{ orders(window: "60") { totalCount } }', 'BAD_USER_INPUT', 'Int cannot represent'],
    ['{ orders(status: [SENT]) { totalCount } }', 'BAD_USER_INPUT', STATUSES],
    ['{ orders(status: ["SHIPPED"]) { totalCount } }', 'BAD_USER_INPUT', STATUSES],
    ['{ orders(status: 5) { totalCount } }', 'BAD_USER_INPUT', STATUSES],
    ['{ file(path: "a") { url(delivery: POST) } }', 'BAD_USER_INPUT', 'Expected one of: GATEWAY, STORE.'],
  ])('%s: %s', async (query, code, message) => {
    const { errors, logged } = await errorsOf(query);
    expect(errors).toEqual([{ message: expect.stringContaining(message), locations: expect.any(Array), extensions: { code } }]);
    expect(logged).toEqual([]);
  });

  test.each(['SENT', 'shipped', 5, { a: 1 }])('a variable %j that is no status names those there are', async (status) => {
    const query = 'query ($status: [OrderStatus!]) { orders(status: $status) { totalCount } }';
    const { errors } = await errorsOf(query, undefined, { status: [status] });
    expect(errors).toMatchObject([{ message: expect.stringContaining(STATUSES), extensions: { code: 'BAD_USER_INPUT' } }]);
  });
});

test('a request that is refused before it runs keeps the code of the gateway, and is for the log only where it is ours', () => {
  const refusal = asGraphqlError(new GatewayError('RATE_LIMITED', 'slow down'), 429);
  expect(refusal).toMatchObject({ message: 'slow down', extensions: { code: 'RATE_LIMITED', http: { status: 429 } } });
  expect(isForLog(refusal)).toBe(false);
  const broken = asGraphqlError('broken', 500);
  expect(broken.extensions).toMatchObject({ code: 'INTERNAL_SERVER_ERROR' });
  expect(isForLog(broken)).toBe(true);
});
