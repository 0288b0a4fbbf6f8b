import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import WebSocket, { type ClientOptions } from 'ws';
import { outboxPlant } from './support/feed.js';
import { startGateway, type GatewayProcess } from './support/gateway.js';
import { freshPlant, type Plant } from './support/plant.js';
import { tokenFor } from './support/tokens.js';
import { errorOf, GraphqlClient } from './support/graphql-client.js';
import { bySse, byWs, TRANSPORTS } from './support/live.js';
import { metric, until, within } from './support/race.js';
import { describeWith } from './support/servers/shared.js';

const CHANGED = 'subscription { orderChanged { id version } }';

/** A WebSocket without a client library around it. */
async function rawSocket(gateway: GatewayProcess, options: ClientOptions = {}, protocol = 'graphql-transport-ws') {
  const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}/graphql`, protocol, options);
  const messages: Record<string, unknown>[] = [];
  socket.on('message', (data: Buffer) => messages.push(JSON.parse(data.toString()) as Record<string, unknown>));
  const closed = once(socket, 'close').then(([code, reason]) => ({ code: code as number, reason: String(reason) }));
  await once(socket, 'open');
  return {
    socket,
    messages,
    closed: () => within('the close', closed),
    say: (message: unknown) => socket.send(JSON.stringify(message)),
  };
}

/** The answer to an upgrade that is refused. */
async function refusal(url: string, options: ClientOptions): Promise<{ status: number; body: string }> {
  const socket = new WebSocket(url, 'graphql-transport-ws', options);
  socket.on('error', () => undefined);
  const [, response] = (await within('the refusal', once(socket, 'unexpected-response'))) as [
    unknown,
    NodeJS.ReadableStream & { statusCode: number },
  ];
  let body = '';
  for await (const piece of response) body += String(piece);
  return { status: response.statusCode, body };
}

describeWith('postgres')('live connections', () => {
  let plant: Plant;
  let gateway: GatewayProcess;
  let token: string;

  beforeAll(async () => {
    plant = await outboxPlant();
    const env = {
      MES_DATABASE_URL: plant.url,
      CORS_ORIGINS: 'https://portal.example.com',
      LIVE_CONNECTIONS_MAX: '8',
      AUTH_CLOCK_TOLERANCE_SECONDS: '0',
      REQUEST_MAX_BYTES: '20000',
    };
    gateway = await startGateway(env);
    token = await tokenFor({ role: 'operator' });
  });

  afterAll(() => gateway.stop());

  const open = () => metric(gateway, 'mes_live_connections{transport="websocket"}');

  describe('who asks', () => {
    test.each([
      ['nobody', {}, 'A token is needed'],
      ['somebody with rubbish', { authorization: 'Bearer x.y.z' }, 'not valid'],
      ['somebody with no text', { authorization: 7 }, 'A token is needed'],
    ])('%s is sent away from a WebSocket with 4401', async (_who, payload, words) => {
      const { say, closed } = await rawSocket(gateway);
      say({ type: 'connection_init', payload });
      expect(await closed()).toEqual({ code: 4401, reason: expect.stringContaining(words) });
    });

    test('is told by the header of the upgrade as well, or by "Authorization"', async () => {
      for (const [options, payload] of [
        [{ headers: { authorization: `Bearer ${token}` } }, undefined],
        [{}, { Authorization: `Bearer ${token}` }],
      ] as const) {
        const { socket, say, messages } = await rawSocket(gateway, options);
        say({ type: 'connection_init', payload });
        await until('the acknowledgement', () => messages.length > 0);
        expect(messages).toEqual([{ type: 'connection_ack' }]);
        socket.terminate();
      }
    });

    test('nobody gets 401 in place of events', async () => {
      for (const path of ['/graphql', '/graphql/stream']) {
        const response = await gateway.get(`${path}?query=${encodeURIComponent(CHANGED)}`, {
          headers: { accept: 'text/event-stream' },
        });
        expect([response.status, await response.json()]).toEqual([
          401,
          { errors: [{ message: expect.stringContaining('A token is needed'), extensions: { code: 'UNAUTHENTICATED' } }] },
        ]);
      }
    });

    test('whose token expires is sent away', async () => {
      const short = await tokenFor({ role: 'operator' }, { expiresIn: 2_000 });
      const sse = bySse(gateway.url, short, { query: CHANGED });
      const { say, closed } = await rawSocket(gateway);
      say({ type: 'connection_init', payload: { authorization: `Bearer ${short}` } });
      expect(await closed()).toEqual({ code: 4403, reason: expect.stringContaining('expired') });
      await sse.over();
      expect(sse.told).toEqual([
        { errors: [{ message: expect.stringContaining('expired'), extensions: { code: 'UNAUTHENTICATED' } }] },
      ]);
      expect(await metric(gateway, 'mes_live_dropped_total{reason="expired"}')).toBe(2);
    });

    test('a service may not subscribe', async () => {
      const followed = byWs(gateway.url, await tokenFor({ role: 'service' }), { query: CHANGED });
      await followed.over();
      expect(followed.end).toEqual({ error: [expect.objectContaining({ extensions: { code: 'FORBIDDEN' } })] });
    });
  });

  describe('what arrives', () => {
    test.each([
      ['no JSON', 'rubbish', 4400],
      ['no message of the protocol', '{"type":"start"}', 4400],
      ['a message that only servers send', '{"type":"next","id":"1","payload":{}}', 4400],
      ['a subscription before the begin', `{"type":"subscribe","id":"1","payload":{"query":"${CHANGED}"}}`, 4401],
      ['a message that is too long', JSON.stringify({ type: 'ping', payload: { x: 'x'.repeat(30_000) } }), 1009],
      ['nothing at all', undefined, 4408],
    ])('%s closes the WebSocket', async (_what, text, code) => {
      const { socket, closed } = await rawSocket(gateway);
      if (text !== undefined) socket.send(text);
      expect(await closed()).toMatchObject({ code });
    });

    test('another subprotocol is closed with 4406', async () => {
      const { closed } = await rawSocket(gateway, {}, [] as never);
      expect(await closed()).toMatchObject({ code: 4406 });
    });

    test.each(TRANSPORTS)('what is no operation of the schema is refused, by %s', async (_name, follow) => {
      for (const [query, code] of [
        ['subscription { nothing }', 'GRAPHQL_VALIDATION_FAILED'],
        ['subscription {', 'GRAPHQL_PARSE_FAILED'],
        ['subscription { orderChanged(window: 0) { id } }', 'BAD_USER_INPUT'],
        ['subscription { a: newOrders { id } b: newOrders { id } }', 'GRAPHQL_VALIDATION_FAILED'],
        ['subscription { orderChanged(createdBy: "yesterday") { id } }', 'BAD_USER_INPUT'],
        [
          `query { ${'orders { totalCount } '.repeat(101)} }`.replace(
            /orders/g,
            () => `x${Math.random().toString(36).slice(2)}: orders`,
          ),
          'GRAPHQL_VALIDATION_FAILED',
        ],
      ] as const) {
        const followed = follow(gateway.url, token, { query });
        await followed.over();
        const { error } = followed.end as { error?: unknown };
        const [first] = (error ?? followed.told[0]?.errors) as { extensions?: { code?: string } }[];
        expect({ query, code: first?.extensions?.code }).toEqual({ query, code });
      }
    });

    test('a body that is no operation gets 400, a mutation by GET 405', async () => {
      const headers = { accept: 'text/event-stream', 'content-type': 'application/json' };
      const sent = (body: string) => gateway.get('/graphql', { token, headers, method: 'POST', body });
      for (const body of ['[]', '{}', '{"query":7}', '{"query":"{ __typename }","variables":[]}', '{']) {
        expect(`${body}: ${(await sent(body)).status}`).toBe(`${body}: 400`);
      }
      const mutation = await gateway.get('/graphql?query=mutation{fileChanged(path:"a"){name}}', {
        token,
        headers: { accept: 'text/event-stream' },
      });
      expect(mutation.status).toBe(405);
    });

    test('a subscription by a plain POST is told of both transports', async () => {
      const { status, code, message } = errorOf(await gateway.graphql(CHANGED, {}, { token }));
      expect({ status, code }).toEqual({ status: 400, code: 'BAD_REQUEST' });
      expect(message).toContain('graphql-transport-ws');
      expect(message).toContain('text/event-stream');
    });

    test('an offer of HTTP/2 is ignored, as ever', async () => {
      const body = JSON.stringify({ query: '{ __typename }' });
      const head = [
        'Host: 127.0.0.1',
        'Connection: Upgrade, HTTP2-Settings',
        'Upgrade: h2c',
        'HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA',
        'Content-Type: application/json',
        `Content-Length: ${body.length}`,
      ];
      const sent = new Promise<string>((resolve) => {
        const socket: Socket = connect({ host: '127.0.0.1', port: gateway.port });
        let answer = '';
        socket.setEncoding('latin1').on('data', (piece: string) => {
          answer += piece;
          if (!answer.includes('"__typename":"Query"')) return;
          resolve(answer);
          socket.destroy();
        });
        socket.write(`POST /graphql HTTP/1.1\r\n${head.join('\r\n')}\r\n\r\n${body}`);
      });
      expect(await within('the answer', sent)).toMatch(/^HTTP\/1\.1 200 /);
    });
  });

  describe('an upgrade', () => {
    const url = () => `ws://127.0.0.1:${gateway.port}`;

    test.each([
      ['of a foreign page', '/graphql', { origin: 'https://evil.example.com' }, 403],
      ['of an opaque page', '/graphql', { origin: 'null' }, 403],
      ['elsewhere', '/files', {}, 404],
    ])('%s is refused', async (_what, path, options, status) => {
      expect(await refusal(url() + path, options)).toMatchObject({ status, body: expect.stringContaining('"message"') });
    });

    test.each([
      ['its own pages', () => gateway.url],
      ['pages that may call it', () => 'https://portal.example.com'],
    ])('of %s is taken', async (_what, origin) => {
      const { socket } = await rawSocket(gateway, { origin: origin() });
      socket.terminate();
    });

    test('one more than fit is refused, until one has ended', async () => {
      await until('no connection', async () => (await open()) === 0);
      const sockets = await Promise.all(Array.from({ length: 8 }, () => rawSocket(gateway)));
      expect(await refusal(`${url()}/graphql`, {})).toMatchObject({ status: 429, body: expect.stringContaining('RATE_LIMITED') });
      const events = await gateway.get(`/graphql?query=${encodeURIComponent(CHANGED)}`, {
        token,
        headers: { accept: 'text/event-stream' },
      });
      expect(events.status).toBe(429);
      for (const { socket } of sockets) socket.terminate();
      await until('no connection', async () => (await open()) === 0);
      const { socket } = await rawSocket(gateway);
      socket.terminate();
    });
  });

  test('queries and mutations go by both transports, one after the other', async () => {
    const [order] = await plant.insert({ status: 'SUBMITTED' });
    const update = { query: `mutation { updateOrderStatus(id: "${order!.id}", status: PACKAGING) { version } }` };
    const read = { query: `{ order(id: "${order!.id}") { version } }` };
    const bad = { query: `{ order(id: "x") { version } }` };
    const run = async (follow: (typeof TRANSPORTS)[number][1], wanted: { query: string }) => {
      const followed = follow(gateway.url, token, wanted);
      await followed.over();
      return followed.told;
    };
    const again = { query: update.query.replace('PACKAGING', 'SHIPPED') };
    for (const [follow, change, version] of [
      [byWs, update, 2],
      [bySse, again, 3],
    ] as const) {
      expect(await run(follow, change)).toEqual([{ data: { updateOrderStatus: { version } } }]);
      expect(await run(follow, read)).toEqual([{ data: { order: { version } } }]);
      expect(await run(follow, bad)).toEqual([
        { data: { order: null }, errors: [expect.objectContaining({ extensions: { code: 'BAD_USER_INPUT' } })] },
      ]);
    }
  });

  test('more than 100 operations of one connection are refused', async () => {
    const { socket, say, messages } = await rawSocket(gateway);
    say({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } });
    await until('the acknowledgement', () => messages.length > 0);
    for (let id = 0; id <= 100; id += 1) say({ type: 'subscribe', id: String(id), payload: { query: CHANGED } });
    await until('the answers', () => messages.length === 102);
    expect(messages.filter(({ type }) => type === 'error')).toEqual([
      { type: 'error', id: '100', payload: [expect.objectContaining({ extensions: { code: 'RATE_LIMITED' } })] },
    ]);
    expect(await metric(gateway, 'mes_live_subscriptions')).toBe(100);
    socket.terminate();
    await until('the end', async () => (await metric(gateway, 'mes_live_subscriptions')) === 0);
  });

  /** Events of a megabyte, so that a few fill what the system buffers. */
  const LARGE = `subscription { orderChanged { ${Array.from({ length: 50 }, (_, index) => `a${index}: customer`).join(' ')} } }`;

  test('a client that does not read is dropped, and nobody else', async () => {
    const [order] = await plant.insert({ customer: 'x'.repeat(20_000) });
    const quick = byWs<{ orderChanged: { version: number } }>(gateway.url, token, { query: CHANGED });
    const { socket, say, messages, closed } = await rawSocket(gateway);
    say({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } });
    await until('the acknowledgement', () => messages.length > 0);
    say({ type: 'subscribe', id: '1', payload: { query: LARGE } });
    const events = connect({ host: '127.0.0.1', port: gateway.port });
    events.on('error', () => undefined);
    const path = `/graphql?query=${encodeURIComponent(LARGE)}`;
    events.write(
      `GET ${path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\nAuthorization: Bearer ${token}\r\n\r\n`,
    );
    await once(events, 'data');
    events.pause();
    await until('the begin', () => messages.length > 1);
    socket.pause();
    await quick.begin();
    const dropped = () => metric(gateway, 'mes_live_dropped_total{reason="slow"}');
    let version = 1;
    while ((await dropped()) < 2 && version < 100) {
      await plant.update(order!.id, { version: (version += 1) });
      await quick.until('the event', () => quick.data.at(-1)?.orderChanged.version === version);
    }
    expect(await dropped()).toBe(2);
    socket.resume();
    events.resume();
    expect(await closed()).toMatchObject({ code: 4413 });
    quick.stop();
  });

  test('heads of events say what proxies need to know', async () => {
    const response = await gateway.get(`/graphql/stream?query=${encodeURIComponent(CHANGED)}`, {
      token,
      headers: { origin: 'https://portal.example.com' },
    });
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
      'access-control-allow-origin': 'https://portal.example.com',
      'x-request-id': expect.any(String),
    });
    await response.body?.cancel();
  });

  test('a gateway that takes both kinds of answers gets JSON, if that comes first', async () => {
    const accept = 'application/graphql-response+json, application/json, text/event-stream, multipart/mixed';
    const response = await gateway.get(`/graphql?query={__typename}`, {
      token,
      headers: { accept, 'apollo-require-preflight': '1' },
    });
    expect(await response.json()).toEqual({ data: { __typename: 'Query' } });
  });
});

describeWith('postgres')('a gateway that stops', () => {
  test('says goodbye to all, and does not wait for them', async () => {
    const plant = await outboxPlant();
    const gateway = await startGateway({ MES_DATABASE_URL: plant.url, SHUTDOWN_TIMEOUT_SECONDS: '60' });
    const token = await tokenFor({ role: 'operator' });
    const sse = bySse(gateway.url, token, { query: CHANGED });
    const ws = byWs(gateway.url, token, { query: CHANGED });
    await Promise.all([sse.begin(), ws.begin()]);
    const deaf = await rawSocket(gateway);
    deaf.socket.pause();
    expect(await within('the end', gateway.stop())).toBe(0);
    await Promise.all([sse.over(), ws.over()]);
    expect(ws.end).toMatchObject({ error: { code: 1001, reason: expect.stringContaining('shutting down') } });
    // No "complete": the client is to connect again.
    expect(sse.end).toMatchObject({ error: expect.anything() });
  });
});

describeWith('postgres')('without a feed of changes', () => {
  test.each(TRANSPORTS)('a subscription by %s is refused with what is missing, queries work', async (_name, follow) => {
    const plant = await freshPlant();
    const gateway = await startGateway({ MES_DATABASE_URL: plant.url, CHANGE_FEED: 'off' });
    const token = await tokenFor({ role: 'operator' });
    const followed = follow(gateway.url, token, { query: CHANGED });
    await followed.over();
    const [error] = (followed.end?.error ?? followed.told[0]?.errors) as object[];
    expect(error).toMatchObject({
      message: expect.stringContaining('CHANGE_FEED=off'),
      extensions: { code: 'SOURCE_UNAVAILABLE' },
    });
    expect(await new GraphqlClient(gateway, { token }).orders()).toMatchObject({ totalCount: 0 });
    await gateway.stop();
  });
});
