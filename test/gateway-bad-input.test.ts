import { startGateway, type GatewayProcess } from './support/gateway.js';
import { sendRaw } from './support/gateway-requests.js';
import { freshPlant } from './support/plant.js';
import { tokenFor } from './support/tokens.js';
import { errorOf, GraphqlClient } from './support/graphql-client.js';
import { describeWith } from './support/servers/shared.js';

const ORDERS = `query ($createdBy: DateTime, $window: Int, $status: [OrderStatus!], $first: Int, $after: String) {
  orders(createdBy: $createdBy, window: $window, status: $status, first: $first, after: $after) { totalCount }
}`;
const STATUSES = /Expected one of: INITIATED, FILE_UPLOADED, .*CLOSED, CANCELLED\./;
const forged = (text: string): string => Buffer.from(text).toString('base64url');

describeWith('postgres')('bad input', () => {
  let gateway: GatewayProcess;
  let token: string;
  let operator: GraphqlClient;

  beforeAll(async () => {
    const plant = await freshPlant();
    gateway = await startGateway({ MES_DATABASE_URL: plant.url });
    token = await tokenFor({ role: 'operator' });
    operator = new GraphqlClient(gateway, { token });
  });

  let logged = 0;

  // Whatever was sent, the process lives, and has logged nothing as its own failure.
  afterEach(async () => {
    expect(gateway.isRunning()).toBe(true);
    expect((await operator.orders({ window: 1 })).totalCount).toBe(0);
    const output = gateway.output();
    const failures = output.slice(logged).match(/^.*"level":[56]0.*$/gm);
    logged = output.length;
    expect(failures).toBeNull();
  });

  afterAll(() => gateway.stop());

  test.each<[name: string, variables: Record<string, unknown>, message: RegExp]>([
    ['a window of 0', { window: 0 }, /"window" must be 1 to 44640 minutes \(31 days\), but got: 0\./],
    ['a window of -1', { window: -1 }, /"window" must be 1 to 44640 .*, but got: -1\./],
    ['a window of 10^9', { window: 1e9 }, /"window" must be 1 to 44640 .*, but got: 1000000000\./],
    ['a window beyond Int', { window: 1e10 }, /Int cannot represent non 32-bit signed integer value: 10000000000/],
    ['half a minute', { window: 0.5 }, /Int cannot represent non-integer value: 0\.5/],
    ['a window in words', { window: '60' }, /Int cannot represent non-integer value: "60"/],
    [
      'a day that does not exist',
      { createdBy: '2025-02-30T10:00Z' },
      /DateTime must be an existing date .*, but got: "2025-02-30T10:00Z"/,
    ],
    ['a time without an offset', { createdBy: '2025-07-24T15:00' }, /an offset or Z, such as "2025-07-24T15:00Z", but got/],
    ['a date alone', { createdBy: '2025-07-24' }, /DateTime must be/],
    ['hour 25', { createdBy: '2025-07-24T25:00Z' }, /DateTime must be/],
    ['a number for a date', { createdBy: 1_753_369_200_000 }, /DateTime must be/],
    ['a date before 1970', { createdBy: '1969-12-31T23:59Z' }, /"createdBy" must be a date from 1970 to 9989, but got/],
    ['a date beyond 9989', { createdBy: '9999-01-01T00:00Z' }, /"createdBy" must be a date from 1970 to 9989, but got/],
    ['first: -1', { first: -1 }, /"first" must be 0 to 10000, but got: -1\./],
    ['first beyond the cap', { first: 10_001 }, /"first" must be 0 to 10000, but got: 10001\./],
    ['a cursor that is none', { after: 'next please' }, /"after" must be a cursor that an earlier answer gave .*"next please"/],
    ['an empty cursor', { after: '' }, /"after" must be a cursor/],
    ['a forged cursor', { after: forged("o1:1:' or true --") }, /"after" must be a cursor/],
    ['a cursor with padding', { after: `${forged('o1:1:00000000-0000-4000-8000-000000000000')}=` }, /"after" must be a cursor/],
    ['an unknown status as variable', { status: ['BROKEN'] }, STATUSES],
    ['a status in small letters', { status: ['closed'] }, /OrderStatus/],
    ['null as a status', { status: [null] }, /Expected non-nullable type "OrderStatus!" not to be null/],
  ])('%s', async (_name, variables, message) => {
    const error = errorOf(await operator.send(ORDERS, variables));
    expect(error).toMatchObject({ code: 'BAD_USER_INPUT', message: expect.stringMatching(message) });
  });

  // What comes again is compiled: the answer may not depend on that.
  test.each<[query: string, message: RegExp]>([
    ['query ($v: Boolean = true) { __typename @include(if: $v) }', /"if" of non-null type "Boolean!" must not be null/],
    ['query ($v: Boolean = true) { orders { totalCount @skip(if: $v) } }', /"if" of non-null type "Boolean!" must not be null/],
    [
      'query ($v: ID = "00000000-0000-4000-8000-000000000000") { order(id: $v) { id } }',
      /"id" of non-null type "ID!" must not be null/,
    ],
    ['query ($v: String = "a") { file(path: $v) { size } }', /"path" of non-null type "String!" must not be null/],
    ['query ($v: OrderStatus = CLOSED) { orders(status: [$v]) { totalCount } }', /"status" has invalid value/],
  ])('null for a variable with a default, however often: %s', async (query, message) => {
    for (let index = 0; index < 5; index += 1) {
      const error = errorOf(await operator.send(query, { v: null }));
      expect(error).toMatchObject({ code: 'BAD_USER_INPUT', message: expect.stringMatching(message) });
    }
    for (let index = 0; index < 5; index += 1) expect((await operator.send(query)).errors).toBeUndefined();
    expect(errorOf(await operator.send(query, { v: null }))).toMatchObject({ code: 'BAD_USER_INPUT' });
  });

  test.each([
    { sha256Hash: { toString: 1 }, version: 1 },
    { sha256Hash: ['6dc5'], version: 1 },
    { sha256Hash: 5, version: 1 },
    { version: 1 },
    5,
    'x',
    [],
  ])('a persisted operation that is none: %j', async (persistedQuery) => {
    for (const headers of [{}, { authorization: `Bearer ${token}` }]) {
      const answer = await gateway.get('/graphql', {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify({ extensions: { persistedQuery } }),
      });
      expect([answer.status, await answer.json()]).toMatchObject([
        400,
        { errors: [{ message: expect.stringContaining('"sha256Hash"'), extensions: { code: 'BAD_USER_INPUT' } }] },
      ]);
    }
  });

  test.each<[name: string, query: string, code: string, message: RegExp]>([
    ['an unknown status', '{ orders(status: [BROKEN]) { totalCount } }', 'BAD_USER_INPUT', STATUSES],
    [
      'a nonexistent date',
      '{ orders(createdBy: "2025-13-01T00:00Z") { totalCount } }',
      'BAD_USER_INPUT',
      /existing date and time/,
    ],
    ['an id that is no UUID', '{ order(id: "17") { id } }', 'BAD_USER_INPUT', /"id" must be a UUID, but got: "17"/],
    ['an id of SQL', `{ order(id: "' or 1=1 --") { id } }`, 'BAD_USER_INPUT', /"id" must be a UUID/],
    [
      'a path that leads out',
      '{ file(path: "../../etc/passwd") { size } }',
      'BAD_USER_INPUT',
      /^"path" must not contain "\." or "\.\."/,
    ],
    ['an absolute path', '{ file(path: "/etc/passwd") { size } }', 'BAD_USER_INPUT', /^"path" must not begin with "\/"/],
    ['an empty path', '{ file(path: "") { size } }', 'BAD_USER_INPUT', /^"path" must not be empty/],
    ['no path of a change', 'mutation { fileChanged(path: "") { size } }', 'BAD_USER_INPUT', /^"path" must not be empty/],
    ['a NUL in a path', String.raw`{ file(path: "a\u0000b") { size } }`, 'BAD_USER_INPUT', /must not contain control characters/],
    ['an unknown field', '{ orders { colour } }', 'GRAPHQL_VALIDATION_FAILED', /Cannot query field "colour"/],
    ['an unknown argument', '{ orders(colour: 1) { totalCount } }', 'GRAPHQL_VALIDATION_FAILED', /Unknown argument "colour"/],
    [
      'many fields of one object',
      `{ orders { nodes { ...F } } } fragment F on Order { ${Array.from({ length: 201 }, (_, n) => `a${n}: id`).join(' ')} }`,
      'GRAPHQL_VALIDATION_FAILED',
      /at most 200 fields below "nodes", but has: 201/,
    ],
    [
      'more days than one operation may have',
      '{ a: orders(window: 44640) { totalCount } b: orders(window: 44640) { totalCount } c: orders(window: 60) { totalCount } }',
      'BAD_USER_INPUT',
      /windows of one operation must be at most 89280 minutes together/,
    ],
    ['no selection', '{ orders }', 'GRAPHQL_VALIDATION_FAILED', /must have a selection of subfields/],
    ['half a query', '{ orders', 'GRAPHQL_PARSE_FAILED', /Syntax Error/],
    ['a subscription', 'subscription { newOrders { id } }', 'BAD_REQUEST', /subscription cannot be answered/],
  ])('%s in the operation', async (_name, query, code, message) => {
    const answer = await operator.send(query);
    expect(errorOf(answer)).toMatchObject({ code, message: expect.stringMatching(message) });
    expect(answer.text).not.toMatch(/node_modules|at .*\.js|stack/);
  });

  test.each<[name: string, authorization: () => string | Promise<string>, message: RegExp]>([
    ['expired', async () => `Bearer ${await tokenFor({ role: 'operator' }, { expiresIn: -60_000 })}`, /has expired/],
    [
      'of another secret',
      async () => `Bearer ${await tokenFor({ role: 'operator' }, { secret: 'another secret' })}`,
      /not valid/,
    ],
    [
      'of an unknown role',
      async () => `Bearer ${await tokenFor({ role: 'admin' })}`,
      /"role" must be one of operator, partner, service/,
    ],
    [
      'without an end',
      async () => `Bearer ${await tokenFor({ role: 'operator' }, { claims: { exp: undefined } })}`,
      /"exp" is missing/,
    ],
    [
      'unsigned',
      () => `Bearer ${forged('{"alg":"none"}')}.${forged('{"sub":"x","role":"operator","exp":9999999999}')}.`,
      /not valid/,
    ],
    ['garbage', () => 'Bearer garbage', /not valid: it must be a JWT/],
    ['of another scheme', () => 'Basic dXNlcjpwYXNz', /must be "Bearer <token>"/],
    ['empty', () => 'Bearer ', /must be "Bearer <token>"/],
  ])('a token that is %s', async (_name, authorization, message) => {
    const headers = { authorization: await authorization() };
    const answer = await gateway.graphql('{ orders { totalCount } }', {}, { headers });
    expect(errorOf(answer)).toMatchObject({ status: 401, code: 'UNAUTHENTICATED', message: expect.stringMatching(message) });
    const file = await gateway.get('/files/models/ring-17.stl', { headers });
    expect(file.status).toBe(401);
    expect(file.headers.get('www-authenticate')).toBe('Bearer');
    expect(await file.json()).toEqual({ error: { code: 'UNAUTHENTICATED', message: expect.stringMatching(message) } });
  });

  test('a missing token', async () => {
    const answer = await gateway.graphql('{ orders { totalCount } }');
    expect(errorOf(answer)).toMatchObject({
      status: 401,
      code: 'UNAUTHENTICATED',
      message: 'A token is needed: send the header "Authorization: Bearer <token>".',
    });
  });

  const json = { 'content-type': 'application/json' };
  const query = '{ orders { totalCount } }';

  test.each<[name: string, path: string, init: RequestInit & { headers?: Record<string, string> }, status: number, code: string]>(
    [
      [
        'a query of 10 MB',
        '/graphql',
        { method: 'POST', headers: json, body: JSON.stringify({ query: `#${'x'.repeat(1e7)}` }) },
        413,
        'BAD_USER_INPUT',
      ],
      ['invalid JSON', '/graphql', { method: 'POST', headers: json, body: '{"query":' }, 400, 'BAD_USER_INPUT'],
      ['no body', '/graphql', { method: 'POST', headers: json }, 400, 'BAD_USER_INPUT'],
      ['an empty object', '/graphql', { method: 'POST', headers: json, body: '{}' }, 400, 'BAD_REQUEST'],
      ['a query that is no text', '/graphql', { method: 'POST', headers: json, body: '{"query":7}' }, 400, 'BAD_REQUEST'],
      [
        'variables that are no object',
        '/graphql',
        { method: 'POST', headers: json, body: '{"query":"{a}","variables":7}' },
        400,
        'BAD_REQUEST',
      ],
      [
        'text/plain',
        '/graphql',
        { method: 'POST', headers: { 'content-type': 'text/plain' }, body: JSON.stringify({ query }) },
        400,
        'BAD_REQUEST',
      ],
      ['a form', '/graphql', { method: 'POST', body: new URLSearchParams({ query }) }, 400, 'BAD_REQUEST'],
      ['a batch', '/graphql', { method: 'POST', headers: json, body: JSON.stringify([{ query }]) }, 400, 'BAD_REQUEST'],
      [
        'a mutation by GET',
        `/graphql?query=${encodeURIComponent('mutation { fileChanged(path: "a") { size } }')}`,
        { headers: json },
        405,
        'BAD_REQUEST',
      ],
      ['GET without a query', '/graphql', { headers: { accept: 'application/json', ...json } }, 400, 'BAD_REQUEST'],
      [
        'GET with bad variables',
        `/graphql?query=${encodeURIComponent(query)}&variables={`,
        { headers: json },
        400,
        'BAD_REQUEST',
      ],
    ],
  )('%s', async (_name, path, init, status, code) => {
    const response = await gateway.get(path, { ...init, token });
    const text = await response.text();
    expect({ status: response.status, text }).toEqual({
      status,
      text: expect.stringMatching(/^\{"errors":\[\{"message":".{10,}/),
    });
    expect((JSON.parse(text) as { errors: unknown[] }).errors).toEqual([expect.objectContaining({ extensions: { code } })]);
    expect(response.headers.get('content-type')).toMatch(/^application\/(graphql-response\+)?json/);
    expect(text).not.toMatch(/node_modules|at .*\.js/);
  });

  test.each([
    ['an unknown route', 'GET', '/admin', 404, 'NOT_FOUND'],
    ['an unknown method', 'DELETE', '/graphql', 405, 'BAD_USER_INPUT'],
    ['malformed percent-encoding', 'GET', '/files/%zz', 400, 'BAD_USER_INPUT'],
    ['malformed percent-encoding elsewhere', 'GET', '/%zz', 400, 'BAD_USER_INPUT'],
  ])('%s', async (_name, method, path, status, code) => {
    const response = await gateway.get(path, { method, token });
    expect({ status: response.status, body: await response.json() }).toEqual({
      status,
      body: { error: { code, message: expect.stringMatching(/.{10,}/) } },
    });
  });

  const post = JSON.stringify({ query: '{ __typename }' });
  test.each([
    ['a Host of another name', 'Host: evil.example', 200],
    ['a Host with a path', 'Host: a/../b', 400],
    ['a Host with spaces and quotes', 'Host: a" b', 400],
    ['a Host of markup', 'Host: <script>', 400],
    ['two Hosts', 'Host: a\r\nHost: b', 400],
    ['headers of 20 KB', `Host: a\r\nX-Large: ${'x'.repeat(20_000)}`, 431],
    ['a header without a name', 'Host: a\r\n: b', 400],
    ['a length that is none', 'Host: a\r\nContent-Length: -1', 400],
  ])('%s', async (_name, headers, status) => {
    const length = headers.includes('Content-Length') ? '' : `Content-Length: ${post.length}\r\n`;
    const request = `POST /graphql HTTP/1.1\r\n${headers}\r\nConnection: close\r\nContent-Type: application/json\r\n${length}\r\n${post}`;
    const answer = await sendRaw(gateway, request);
    expect(answer.split('\r\n')[0]).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(answer).not.toMatch(/node_modules|at .*\.js/);
  });
});
