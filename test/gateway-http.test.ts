import { serverAudits } from 'graphql-http';
import { buildClientSchema, getIntrospectionQuery, type IntrospectionQuery } from 'graphql';
import { startGateway, type GatewayProcess } from './support/gateway.js';
import { freshPlant } from './support/plant.js';
import { tokenFor } from './support/tokens.js';
import { GraphqlClient } from './support/graphql-client.js';
import { describeWith } from './support/servers/shared.js';

const ALLOWED = 'https://portal.example.com';
const QUERY = '{ orders { totalCount } }';

const CSRF = 'A GET that a foreign page can make a browser send is refused: it needs a header that no plain form or link has.';
const STATUS = 'Apollo answers 400 whatever the media type, so that proxies and monitors see that the operation was refused.';

/** The audits that are not passed, none of them a MUST of the draft, and why. */
const EXCEPTIONS: Readonly<Record<string, { status: 'warn' | 'notice'; why: string }>> = {
  'MAY accept application/x-www-form-urlencoded formatted GET requests': { status: 'notice', why: CSRF },
  'MAY allow URL-encoded JSON string {variables} parameter in GETs when accepting application/graphql-response+json': {
    status: 'notice',
    why: CSRF,
  },
  'MAY allow URL-encoded JSON string {variables} parameter in GETs when accepting application/json': {
    status: 'notice',
    why: CSRF,
  },
  'SHOULD use 200 status code on document parsing failure when accepting application/json': { status: 'warn', why: STATUS },
  'SHOULD use 200 status code on document validation failure when accepting application/json': { status: 'warn', why: STATUS },
  'SHOULD use a status code of 200 on variable coercion failure when accepting application/json': { status: 'warn', why: STATUS },
};

describeWith('postgres')('GraphQL over HTTP', () => {
  let gateway: GatewayProcess;
  let token: string;

  beforeAll(async () => {
    const plant = await freshPlant();
    gateway = await startGateway({ MES_DATABASE_URL: plant.url, CORS_ORIGINS: `${ALLOWED},https://studio.apollographql.com` });
    token = await tokenFor({ role: 'operator' });
  });

  afterAll(() => gateway.stop());

  describe("graphql-http's audits of a server", () => {
    // The list of audits does not depend on the URL, which is known only later.
    const audits = serverAudits({ url: () => `${gateway.url}/graphql` });

    test.each(audits.map((audit) => [audit.name, audit] as const))('%s', async (name, audit) => {
      const result = await audit.fn();
      expect(result).toMatchObject({ status: EXCEPTIONS[name]?.status ?? 'ok' });
    });

    test('every exception is the name of an audit', () => {
      expect(audits.map(({ name }) => name)).toEqual(expect.arrayContaining(Object.keys(EXCEPTIONS)));
    });
  });

  test('introspection answers the whole schema, each part with a description', async () => {
    const operator = new GraphqlClient(gateway, { token });
    const schema = buildClientSchema(await operator.ask<IntrospectionQuery>(getIntrospectionQuery()));
    const types = Object.values(schema.getTypeMap()).filter(({ name }) => !name.startsWith('__'));
    expect(types.filter(({ description }) => !description).map(({ name }) => name)).toEqual([]);
    expect(
      schema
        .getQueryType()
        ?.getFields()
        ['orders']?.args.map((arg) => `${arg.name}: ${String(arg.type)}`),
    ).toEqual(['createdBy: DateTime', 'window: Int', 'status: [OrderStatus!]', 'first: Int', 'after: String']);
  });

  test('a query by GET', async () => {
    const search = new URLSearchParams({ query: QUERY });
    const response = await gateway.get(`/graphql?${search.toString()}`, {
      token,
      headers: { 'content-type': 'application/json' },
    });
    expect(await response.json()).toEqual({ data: { orders: { totalCount: 0 } } });
  });

  test('a GET that any page could make a browser send is refused', async () => {
    const response = await gateway.get(`/graphql?query=${encodeURIComponent(QUERY)}`, {
      token,
      headers: { accept: '*/*' },
    });
    expect([response.status, await response.text()]).toEqual([400, expect.stringContaining('CSRF')]);
  });

  describe('CORS', () => {
    const preflight = (origin: string, path: string): Promise<Response> =>
      gateway.get(path, {
        method: 'OPTIONS',
        headers: {
          origin,
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'authorization,content-type',
        },
      });

    test.each(['/graphql', '/files/models/ring-17.stl'])('a preflight of %s by an allowed origin', async (path) => {
      const { status, headers } = await preflight(ALLOWED, path);
      expect(status).toBe(204);
      expect(headers.get('access-control-allow-origin')).toBe(ALLOWED);
      expect(headers.get('access-control-allow-methods')).toContain('POST');
      expect(headers.get('access-control-allow-headers')).toMatch(/authorization.*content-type/);
      expect(headers.get('access-control-allow-credentials')).toBeNull();
      expect(headers.get('vary')).toMatch(/origin/i);
    });

    test.each(['https://evil.example', 'null', `${ALLOWED}.evil.example`, 'http://portal.example.com', `${ALLOWED}:8443`])(
      'the origin %s is told nothing',
      async (origin) => {
        expect((await preflight(origin, '/graphql')).headers.get('access-control-allow-origin')).toBeNull();
        const answer = await gateway.graphql(QUERY, {}, { token, headers: { origin } });
        expect(answer.headers.get('access-control-allow-origin')).toBeNull();
        expect(answer.headers.get('vary')).toMatch(/origin/i);
      },
    );

    test('an allowed origin may read answers, also refusals, and the headers that it needs', async () => {
      for (const [options, status] of [
        [{ token }, 200],
        [{ token: 'garbage' }, 401],
      ] as const) {
        const answer = await gateway.graphql(QUERY, {}, { ...options, headers: { origin: ALLOWED } });
        expect(answer.status).toBe(status);
        expect(answer.headers.get('access-control-allow-origin')).toBe(ALLOWED);
        expect(answer.headers.get('access-control-expose-headers')).toMatch(/x-request-id.*etag.*content-range/i);
      }
    });
  });

  test('the request id of the caller comes back and is logged; one that is none is replaced', async () => {
    const given = await gateway.graphql(QUERY, {}, { token, headers: { 'x-request-id': 'dashboard-17' } });
    expect(given.headers.get('x-request-id')).toBe('dashboard-17');
    const forged = await gateway.graphql(QUERY, {}, { token, headers: { 'x-request-id': 'a"b{c}' } });
    expect(forged.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    while (!gateway.output().includes(forged.headers.get('x-request-id')!));
    expect(gateway.output()).toContain('"reqId":"dashboard-17"');
    expect(gateway.output()).not.toContain(token);
  });
});
