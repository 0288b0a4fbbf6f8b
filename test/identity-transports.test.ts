import { once } from 'node:events';
import WebSocket from 'ws';
import { startGateway, type GatewayProcess } from './support/gateway.js';
import { sendRaw } from './support/gateway-requests.js';
import { outboxPlant } from './support/feed.js';
import { bySse, byWs } from './support/live.js';
import { describeWith } from './support/servers/shared.js';
import { tokenFor } from './support/tokens.js';

const CHANGED = 'subscription { orderChanged { id } }';

describeWith('postgres')('who asks, by whatever way', () => {
  let gateway: GatewayProcess;
  let token: string;

  beforeAll(async () => {
    const plant = await outboxPlant();
    gateway = await startGateway({ MES_DATABASE_URL: plant.url, AUTH_CLOCK_TOLERANCE_SECONDS: '1' });
    token = await tokenFor({ role: 'operator' });
  });
  afterAll(() => gateway.stop());

  const raw = (request: string, lines: readonly string[]): Promise<string> =>
    sendRaw(gateway, [request, 'Host: 127.0.0.1', ...lines, 'Connection: close', '', ''].join('\r\n'));
  const QUERY = `/graphql?query=${encodeURIComponent('{ orders { totalCount } }')}`;

  test.each([
    ['GraphQL', `GET ${QUERY} HTTP/1.1`, []],
    ['events', `GET /graphql/stream?query=${encodeURIComponent(CHANGED)} HTTP/1.1`, ['Accept: text/event-stream']],
    ['a file', 'GET /files/models/none.stl HTTP/1.1', []],
  ])('is said once: two headers are refused, for %s', async (_name, request, lines) => {
    const one = `Authorization: Bearer ${token}`;
    const more = [...lines, 'apollo-require-preflight: 1'];
    for (const other of [one, 'authorization: Bearer x', 'AUTHORIZATION: Basic YWRhOnB3']) {
      for (const both of [
        [one, other],
        [other, one],
      ]) {
        const answer = await raw(request, [...more, ...both]);
        expect(answer).toMatch(/^HTTP\/1\.1 400 /);
        expect(answer).toContain('The header \\"Authorization\\" must come once.');
      }
    }
    expect(await raw(request, more)).toMatch(/^HTTP\/1\.1 401 /);
  });

  test('is said once on a WebSocket too', async () => {
    const headers = { authorization: [`Bearer ${token}`, 'Bearer x'] };
    const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}/graphql`, 'graphql-transport-ws', {
      headers: headers as unknown as Record<string, string>,
    });
    await once(socket, 'open');
    socket.send(JSON.stringify({ type: 'connection_init' }));
    const [code, reason] = (await once(socket, 'close')) as [number, Buffer];
    expect([code, String(reason)]).toEqual([4401, 'The header "Authorization" must come once.']);
  });

  test.each(['access_token', 'token', 'authorization', 'jwt', 'bearer_token'])('is not said by the query: %s', async (name) => {
    const query = `${name}=${token}`;
    const headers = { 'apollo-require-preflight': '1' };
    expect((await gateway.get(`${QUERY}&${query}`, { headers })).status).toBe(401);
    expect((await gateway.get(`/files/models/none.stl?${query}`)).status).toBe(401);
    const body = JSON.stringify({ query: '{ orders { totalCount } }', [name]: token });
    const post = { method: 'POST', body, headers: { 'content-type': 'application/json', cookie: query } };
    expect((await gateway.get(`/graphql?${query}`, post)).status).toBe(401);
    const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}/graphql?${query}`, 'graphql-transport-ws');
    await once(socket, 'open');
    socket.send(JSON.stringify({ type: 'connection_init', payload: {} }));
    const [code] = (await once(socket, 'close')) as [number];
    expect(code).toBe(4401);
  });

  test('holds as long with an open subscription as it would with a new one, tolerance and all', async () => {
    const short = await tokenFor({ role: 'operator' }, { expiresIn: 2_000 });
    const { exp } = JSON.parse(Buffer.from(short.split('.')[1] ?? '', 'base64url').toString()) as { exp: number };
    const [sse, ws] = [bySse(gateway.url, short, { query: CHANGED }), byWs(gateway.url, short, { query: CHANGED })];
    await Promise.all([sse.begin(), ws.begin()]);
    await Promise.all([sse.over(), ws.over()]);
    expect(Date.now()).toBeGreaterThanOrEqual((exp + 1) * 1_000);
    expect(sse.told).toMatchObject([{ errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] }]);
    expect(ws.end?.error).toMatchObject({ code: 4403 });
  });
});
