import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { buildManifest } from '../scripts/manifest/build.js';
import type { ManifestOperation } from '../src/graphql/manifest.js';
import { ROOT } from './support/gateway-build.js';
import { startGateway, type GatewayProcess } from './support/gateway.js';
import { freshPlant, type Plant } from './support/plant.js';
import { describeWith } from './support/servers/shared.js';
import { removeFolder, temporaryFolder } from './support/servers/temporary.js';
import { tokenFor } from './support/tokens.js';
import { bySse, byWs } from './support/live.js';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const persisted = (hash: string) => ({ persistedQuery: { version: 1, sha256Hash: hash } });
const COUNT = '{ orders { totalCount } }';

/** The operations that come with the project. */
function ownOperations(): readonly ManifestOperation[] {
  const folders = ['dashboard', 'portal'].map((name) => join(ROOT, 'operations', name));
  const files = folders.flatMap((folder) =>
    readdirSync(folder).map((name) => ({ name, text: readFileSync(join(folder, name), 'utf8') })),
  );
  return buildManifest(files, { typenames: false, check: () => undefined }).operations;
}

describeWith('postgres')('operations that are known beforehand', () => {
  const folder = temporaryFolder();
  const operations = ownOperations();
  const idOf = (name: string): string => operations.find((each) => each.name === name)?.id ?? '';
  let plant: Plant;
  let open: GatewayProcess;
  let closed: GatewayProcess;
  let token: string;

  beforeAll(async () => {
    const file = join(folder, 'manifest.json');
    writeFileSync(file, JSON.stringify({ format: 'apollo-persisted-query-manifest', version: 1, operations }));
    plant = await freshPlant({ orders: [{ number: 'ORD-1', status: 'PACKAGING' }] });
    token = await tokenFor({ role: 'operator' });
    const env = { MES_DATABASE_URL: plant.url, TRUSTED_OPERATIONS_FILE: file };
    open = await startGateway(env);
    closed = await startGateway({
      ...env,
      TRUSTED_OPERATIONS_ONLY: 'true',
      INTROSPECTION: 'false',
      SANDBOX: 'false',
      CHANGE_FEED: 'poll',
    });
  }, 120_000);

  afterAll(async () => {
    await Promise.all([open.stop(), closed.stop()]);
    removeFolder(folder);
  });

  const send = async (gateway: GatewayProcess, body: object) => {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
    const response = await fetch(`${gateway.url}/graphql`, { method: 'POST', headers, body: JSON.stringify(body) });
    const { data, errors } = (await response.json()) as {
      data?: unknown;
      errors?: { message: string; extensions: { code: string } }[];
    };
    return { status: response.status, data, message: errors?.[0]?.message, code: errors?.[0]?.extensions.code };
  };
  const get = (gateway: GatewayProcess, parameters: Record<string, string>) =>
    gateway.get(`/graphql?${new URLSearchParams(parameters).toString()}`, {
      token,
      headers: { 'apollo-require-preflight': '1' },
    });

  describe('automatic persisted queries', () => {
    test('Apollo Client sends a text once, then its hash, by POST and by GET', async () => {
      for (const useGETForHashedQueries of [false, true]) {
        const sent: { method: string; hasText: boolean }[] = [];
        const http = new HttpLink({
          uri: `${open.url}/graphql`,
          headers: { authorization: `Bearer ${token}`, 'apollo-require-preflight': '1' },
          fetch: (url, init) => {
            sent.push({ method: init?.method ?? '', hasText: JSON.stringify([url, init?.body]).includes('totalCount') });
            return fetch(url, init);
          },
        });
        const client = new ApolloClient({
          link: new PersistedQueryLink({ sha256, useGETForHashedQueries }).concat(http),
          cache: new InMemoryCache(),
        });
        const query = gql(`query ${useGETForHashedQueries ? 'ByGet' : 'ByPost'} { orders(window: 1440) { totalCount } }`);
        const ask = () => client.query({ query, fetchPolicy: 'no-cache' });
        expect((await ask()).data).toMatchObject({ orders: { totalCount: expect.any(Number) } });
        expect((await ask()).data).toMatchObject({ orders: { totalCount: expect.any(Number) } });
        const hashed = useGETForHashedQueries ? 'GET' : 'POST';
        expect(sent).toEqual([
          { method: hashed, hasText: false },
          { method: 'POST', hasText: true },
          { method: hashed, hasText: false },
        ]);
        client.stop();
      }
    });

    test('a hash of another text is 400; an unknown one is told as the protocol has it; neither repeats what was sent', async () => {
      const wrong = await send(open, { query: COUNT, extensions: persisted(sha256('other')) });
      expect(wrong).toMatchObject({ status: 400, code: 'BAD_REQUEST', message: 'provided sha does not match query' });
      const unknown = await send(open, { extensions: persisted('secret') });
      expect(unknown).toMatchObject({ status: 200, code: 'PERSISTED_QUERY_NOT_FOUND', message: 'PersistedQueryNotFound' });
      for (const hash of [null, 7, {}, [], '__proto__', 'constructor']) {
        expect((await send(open, { extensions: { persistedQuery: { version: 1, sha256Hash: hash } } })).status).toBeLessThan(500);
      }
    });

    test('by WebSocket and by server-sent events too', async () => {
      const query = 'query Live { orders { totalCount } }';
      const extensions = persisted(sha256(query));
      for (const by of [byWs, bySse]) {
        const registered = by(open.url, token, { query, extensions } as never);
        await registered.over();
        expect(registered.data).toEqual([{ orders: { totalCount: expect.any(Number) } }]);
        const hashed = by(open.url, token, { query: '', extensions } as never);
        await hashed.over();
        expect(hashed.data).toEqual(registered.data);
      }
    });
  });

  describe('a manifest', () => {
    test('makes its operations known by their ids, beside all others', async () => {
      expect(await send(open, { extensions: persisted(idOf('Today')) })).toMatchObject({
        status: 200,
        data: { orders: expect.anything() },
      });
      expect(await send(open, { query: COUNT })).toMatchObject({ status: 200, data: { orders: expect.anything() } });
    });

    test('that alone counts: by id or by the very text, and nothing else', async () => {
      const known = operations.find(({ name }) => name === 'Today');
      expect(await send(closed, { extensions: persisted(idOf('Today')), variables: { first: 1 } })).toMatchObject({
        status: 200,
        data: { orders: expect.anything() },
      });
      expect(await send(closed, { query: known?.body })).toMatchObject({ status: 200, data: { orders: expect.anything() } });
      const hidden = 'query Hidden { orders { totalCount } }';
      for (const body of [
        { query: hidden },
        { query: hidden, extensions: persisted(sha256(hidden)) },
        { query: '{ __schema { description } }' },
      ]) {
        const refused = await send(closed, body);
        expect(refused).toMatchObject({ status: 400, data: undefined, code: 'PERSISTED_QUERY_NOT_FOUND' });
        expect(refused.message).not.toMatch(/Hidden|totalCount|__schema/);
      }
      // It was not registered.
      expect(await send(closed, { extensions: persisted(sha256(hidden)) })).toMatchObject({ code: 'PERSISTED_QUERY_NOT_FOUND' });
      expect((await get(closed, { query: hidden })).status).toBe(400);
      expect((await get(closed, { extensions: JSON.stringify(persisted(idOf('Today'))) })).status).toBe(200);
    });

    test.each([
      ['WebSocket', byWs],
      ['server-sent events', bySse],
    ])('that alone counts: by %s', async (_name, by) => {
      const known = by(closed.url, token, { query: '', extensions: persisted(idOf('Today')) } as never);
      await known.over();
      expect(known.data).toEqual([{ orders: expect.anything() }]);
      const live = by(closed.url, token, {
        query: '',
        extensions: persisted(idOf('OrderChanged')),
        variables: { window: 60 },
      } as never);
      await live.begin();
      expect(live.end).toBeUndefined();
      live.stop();
      for (const query of [COUNT, 'subscription { newOrders { id } }']) {
        const refused = by(closed.url, token, { query });
        await refused.over();
        expect(JSON.stringify([refused.told, refused.end])).toMatch(/PERSISTED_QUERY_NOT_FOUND/);
        expect(JSON.stringify([refused.told, refused.end])).not.toMatch(/totalCount|newOrders/);
      }
    });

    test('that does not fit stops the start, and the message names what is wrong', async () => {
      const file = join(folder, 'wrong.json');
      const body = 'query A { nothing }';
      const operation = { id: sha256(body), name: 'A', type: 'query', body };
      writeFileSync(file, JSON.stringify({ format: 'apollo-persisted-query-manifest', version: 1, operations: [operation] }));
      for (const [name, message] of [
        [file, 'operation "A": Cannot query field "nothing"'],
        [join(folder, 'absent.json'), 'ENOENT'],
      ] as const) {
        const env = { MES_DATABASE_URL: plant.url, TRUSTED_OPERATIONS_FILE: name };
        const gateway = await startGateway(env, { untilReady: false });
        while (gateway.isRunning()) await new Promise((resolve) => setTimeout(resolve, 20));
        expect(await gateway.stop()).toBe(1);
        expect(gateway.output()).toMatch(/^The gateway cannot start:\nTRUSTED_OPERATIONS_FILE: expected a manifest/);
        expect(gateway.output()).toContain(message);
      }
    });
  });

  test('the page of the Sandbox can be switched off', async () => {
    const page = { headers: { accept: 'text/html' } };
    expect((await (await open.get('/graphql', page)).text()).slice(0, 15).toLowerCase()).toBe('<!doctype html>');
    const without = await closed.get('/graphql', page);
    expect({ status: without.status, type: without.headers.get('content-type') }).toEqual({
      status: 400,
      type: expect.stringContaining('json'),
    });
  });
});
