import { createClient } from '@redis/client';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import WebSocket from 'ws';
import { emptyRedis } from './support/empty-redis.js';
import { startGateway, type GatewayProcess } from './support/gateway.js';
import { freshPlant } from './support/plant.js';
import { startProxyTo, type Proxy } from './support/proxy.js';
import { metric, until, within } from './support/race.js';
import { describeWith } from './support/servers/shared.js';
import { removeFolder, temporaryFolder } from './support/servers/temporary.js';
import { tokenFor } from './support/tokens.js';

const CHEAP = '{ __typename }';
const LIMITS = {
  RATE_LIMIT_PARTNER: '100',
  RATE_LIMIT_OPERATOR: '30',
  RATE_LIMIT_ADDRESS: '1000',
  RATE_LIMIT_FILE_BYTES: '25000',
  RATE_LIMIT_FAILED_AUTH: '5',
};
const DEAR = `{ ${Array.from({ length: 10 }, (_, index) => `a${index}: orders(createdBy: "2025-07-24T15:00Z") { nodes { id } }`).join(' ')} }`;
const CODE = { errors: [{ message: expect.any(String), extensions: { code: 'RATE_LIMITED' } }] };

describeWith('postgres', 'redis')('rate limits', () => {
  const files = temporaryFolder();
  let env: Record<string, string>;
  let redisUrl: string;
  let proxy: Proxy;
  /** One with all limits, low ones; each test asks as somebody else, and from elsewhere. */
  let gateway: GatewayProcess;
  const running: GatewayProcess[] = [];

  beforeAll(async () => {
    const plant = await freshPlant();
    redisUrl = await emptyRedis();
    const through = await startProxyTo(redisUrl);
    proxy = through.proxy;
    writeFileSync(join(files, 'a.stl'), Buffer.alloc(10_000));
    await plant.insert({ file_path: 'a.stl' });
    env = { MES_DATABASE_URL: plant.url, REDIS_URL: through.url, FILES_DIR: files, TRUST_PROXY: 'loopback' };
    gateway = await startGateway({ ...env, ...LIMITS });
  });
  afterEach(() => Promise.all(running.splice(0).map((each) => each.stop())));
  afterAll(async () => {
    await gateway.stop();
    await proxy.close();
    removeFolder(files);
  });

  async function start(limits: Record<string, string>): Promise<GatewayProcess> {
    const started = await startGateway({ ...env, ...limits });
    running.push(started);
    return started;
  }
  async function accountsInRedis(): Promise<{ key: string; ttl: number }[]> {
    const client = createClient({ url: redisUrl });
    await client.connect();
    try {
      const keys = await client.keys('rate:*');
      return await Promise.all(keys.map(async (key) => ({ key, ttl: await client.pTTL(key) })));
    } finally {
      client.destroy();
    }
  }
  const of = (address: string) => ({ 'x-forwarded-for': address });

  test('nothing is limited, and nothing said of limits, unless it is configured', async () => {
    const free = await start({});
    const token = await tokenFor({ role: 'operator' });
    const answers = await Promise.all(Array.from({ length: 200 }, () => free.graphql(CHEAP, {}, { token })));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(answers[0]!.headers.has('ratelimit-policy')).toBe(false);
  });

  test('what is refused is paid by its size, on all ways', async () => {
    const huge = `{ ${'__typename '.repeat(1_500)}}`;
    const ask = (address: string, init: RequestInit = {}) =>
      fetch(`${gateway.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...of(address) },
        body: JSON.stringify({ query: huge }),
        ...init,
      }).then(({ status }) => status);
    const statuses = [
      await ask('10.7.0.1'),
      await ask('10.7.0.1'),
      await ask('10.7.0.1'),
      await ask('10.7.0.1'),
      await ask('10.7.0.1'),
    ];
    expect(statuses).toEqual([400, 400, 400, 429, 429]);

    const url = gateway.url.replace('http', 'ws');
    const socket = new WebSocket(`${url}/graphql`, 'graphql-transport-ws', { headers: of('10.7.0.2') });
    await once(socket, 'open');
    for (let sent = 0; sent < 120; sent += 1) socket.send(JSON.stringify({ type: 'ping', payload: { huge: 'x'.repeat(5_000) } }));
    const [code] = (await once(socket, 'close')) as [number];
    expect(code).toBe(1013);
  });

  test('a partner pays by cost, all its users from one account; others are not touched', async () => {
    const [jo, al, other, operator] = await Promise.all([
      tokenFor({ role: 'partner', partnerId: 'partner-a', sub: 'jo' }),
      tokenFor({ role: 'partner', partnerId: 'partner-a', sub: 'al' }),
      tokenFor({ role: 'partner', partnerId: 'partner-b' }),
      tokenFor({ role: 'operator' }),
    ]);
    const first = await gateway.graphql(CHEAP, {}, { token: jo });
    expect(first.status).toBe(200);
    expect(first.headers.get('ratelimit-policy')).toBe('"address";q=1000;w=60, "partner";q=100;w=60');
    expect(first.headers.get('ratelimit')).toMatch(/^"address";r=\d+;t=1, "partner";r=9\d;t=\d$/);
    expect((await gateway.graphql(DEAR, {}, { token: jo })).status).toBe(200);
    const refused = await gateway.graphql(DEAR, {}, { token: al });
    expect(refused.status).toBe(429);
    expect(JSON.parse(refused.text)).toEqual(CODE);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(1);
    expect(refused.headers.get('ratelimit')).toMatch(/"partner";r=\d+;t=\d+/);
    for (const token of [other, operator]) expect((await gateway.graphql(CHEAP, {}, { token })).status).toBe(200);
    expect(await metric(gateway, 'mes_rate_limited_total{limit="partner"}')).toBe(1);
  });

  test('an address pays for all requests, an IPv6 one with its network; probes are free', async () => {
    const ask = (address: string, path = '/nothing') => gateway.get(path, { headers: of(address) }).then(({ status }) => status);
    const token = await tokenFor({ role: 'service' });
    const spend = (index: number) => gateway.graphql(DEAR, {}, { token, headers: of(`2001:db8::${index}`) });
    let spent = 0;
    while (spent < 60 && (await spend(spent)).status !== 429) spent += 1;
    // An account fills up again while a busy machine is slow.
    const spendRest = async (): Promise<void> => {
      while (spent < 1_000 && (await ask('2001:db8::ffff')) !== 429) spent += 1;
    };
    await spendRest();
    expect(spent).toBeLessThan(1_000);
    expect(await ask('2001:db8:0:1::1')).toBe(404);
    expect(await ask('192.0.2.1')).toBe(404);
    expect(await ask('2001:db8::1', '/healthz')).toBe(200);
    await spendRest();
    const graphql = await gateway.graphql(CHEAP, {}, { headers: of('2001:db8::1') });
    expect([graphql.status, JSON.parse(graphql.text)]).toEqual([429, CODE]);
    await spendRest();
    const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}/graphql`, 'graphql-transport-ws', {
      headers: of('2001:db8::1'),
    });
    const refusal = await new Promise<number>((resolve) => {
      socket.on('unexpected-response', (_request, { statusCode = 0 }) => resolve(statusCode));
      socket.on('error', () => undefined);
    });
    expect(refusal).toBe(429);
  });

  test('who guesses is stopped, and locks nobody out who was let in before', async () => {
    const headers = of('192.0.2.9');
    const token = await tokenFor({ role: 'operator' });
    expect((await gateway.graphql(CHEAP, {}, { token, headers })).status).toBe(200);
    const guess = (index: number) =>
      gateway.graphql(CHEAP, {}, { token: `guess-${index}`, headers }).then(({ status }) => status);
    for (let index = 0; index < 5; index += 1) expect(await guess(index)).toBe(401);
    expect(await guess(5)).toBe(429);
    const signed = await gateway.get('/files/a.stl?expires=1&scope=operator&signature=x', { headers });
    expect(signed.status).toBe(429);
    const fresh = await tokenFor({ role: 'operator', sub: 'somebody else' });
    expect((await gateway.graphql(CHEAP, {}, { token: fresh, headers })).status).toBe(429);
    expect((await gateway.graphql(CHEAP, {}, { token, headers })).status).toBe(200);
    expect((await gateway.graphql(CHEAP, {}, { token: 'guess', headers: of('192.0.2.10') })).status).toBe(401);
    expect((await gateway.graphql(CHEAP, {}, { headers })).status).toBe(200);
  });

  test('files are paid for by bytes', async () => {
    const token = await tokenFor({ role: 'operator', sub: 'who reads files' });
    // As it is: an encoded form costs what is sent of it.
    const read = async (init: { method?: string; headers?: Record<string, string> } = {}) => {
      const headers = { 'accept-encoding': 'identity', ...init.headers };
      const answer = await gateway.get('/files/a.stl', { token, ...init, headers });
      await answer.arrayBuffer();
      return answer;
    };
    for (let index = 0; index < 5; index += 1) expect((await read({ method: 'HEAD' })).status).toBe(200);
    const first = await read();
    expect(first.headers.get('ratelimit-policy')).toContain('"file-bytes";q=25000;qu="content-bytes";w=60');
    expect((await read({ headers: { range: 'bytes=0-4999' } })).status).toBe(206);
    expect([(await read()).status, (await read()).status]).toEqual([200, 200]);
    const refused = await gateway.get('/files/a.stl', { token });
    expect([refused.status, await refused.json()]).toEqual([
      429,
      { error: { code: 'RATE_LIMITED', message: expect.stringContaining('bytes of files') } },
    ]);
    const other = await gateway.get('/files/a.stl', { token: await tokenFor({ role: 'operator', sub: 'another' }) });
    expect(other.status).toBe(200);
  });

  test('of downloads that begin at once, one may go beyond the quota', async () => {
    const token = await tokenFor({ role: 'operator', sub: 'who reads much at once' });
    const headers = { 'accept-encoding': 'identity' };
    const answers = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const { status, arrayBuffer } = await gateway
          .get('/files/a.stl', { token, headers })
          .then((answer) => ({ status: answer.status, arrayBuffer: answer.arrayBuffer() }));
        await arrayBuffer;
        return status;
      }),
    );
    expect(answers.filter((status) => status === 200)).toHaveLength(3);
    expect(answers.filter((status) => status === 429)).toHaveLength(17);
  });

  test('a good token beside them makes no guessed signature welcome, and no guess is owed for long', async () => {
    const headers = of('192.0.2.40');
    const token = await tokenFor({ role: 'operator' });
    expect((await gateway.graphql(CHEAP, {}, { token, headers })).status).toBe(200);
    const guess = (index: number) =>
      gateway.get(`/files/a.stl?expires=9999999999&scope=operator&signature=${index}`, { token, headers });
    const statuses = await Promise.all(Array.from({ length: 60 }, (_, index) => guess(index).then(({ status }) => status)));
    expect(statuses.filter((status) => status === 429).length).toBeGreaterThan(0);
    const refused = await guess(100);
    expect(refused.status).toBe(429);
    // Five in a minute: one comes back every twelve seconds.
    expect(Number(refused.headers.get('retry-after'))).toBeLessThanOrEqual(12);
  });

  test('secrets of the metrics are not guessed for ever', async () => {
    const closed = await start({ ...LIMITS, METRICS_SECRETS: 'a-secret-of-the-metrics-0123456789abcdef' });
    const headers = of('192.0.2.41');
    const statuses: number[] = [];
    for (let index = 0; index < 7; index += 1) {
      statuses.push((await closed.get('/metrics', { token: `guess-${index}`, headers })).status);
    }
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429]);
  });

  test('operations of a WebSocket are refused one by one; who goes on all the same is sent away', async () => {
    const token = await tokenFor({ role: 'operator', sub: 'who talks' });
    const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}/graphql`, 'graphql-transport-ws');
    const messages: { type: string; id?: string; payload?: unknown }[] = [];
    socket.on('message', (data: Buffer) => messages.push(JSON.parse(data.toString()) as { type: string }));
    await new Promise((resolve) => socket.once('open', resolve));
    socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } }));
    await until('the acknowledgement', () => messages.length > 0);
    const closed = new Promise<number>((resolve) => socket.once('close', resolve));
    const ask = (id: string) => socket.send(JSON.stringify({ type: 'subscribe', id, payload: { query: CHEAP } }));
    for (let id = 0; id < 20; id += 1) ask(String(id));
    await until('answers and a refusal', () =>
      ['next', 'error'].every((type) => messages.some((message) => message.type === type)),
    );
    expect(messages.find(({ type }) => type === 'error')?.payload).toEqual(CODE.errors);
    expect((await gateway.graphql(CHEAP, {}, { token })).status).toBe(429);
    for (let id = 100; id < 300; id += 1) ask(String(id));
    expect(await within('the end', closed)).toBe(1013);
  });

  test('server-sent events are paid for too', async () => {
    const headers = { accept: 'text/event-stream' };
    const token = await tokenFor({ role: 'operator', sub: 'who listens' });
    const ask = () => gateway.get(`/graphql/stream?query=${encodeURIComponent(CHEAP)}`, { token, headers });
    const first = await ask();
    expect([first.status, first.headers.get('ratelimit-policy')]).toEqual([200, expect.stringContaining('"operator";q=30;w=60')]);
    await first.text();
    let last = first;
    for (let index = 0; index < 30 && last.status === 200; index += 1) await (last = await ask()).clone().text();
    expect([last.status, await last.json()]).toEqual([429, CODE]);
  });

  test('instances share accounts through Redis; without it each goes on by itself, and later they share again', async () => {
    const limits = { RATE_LIMIT_PARTNER: '40' };
    const [one, other] = await Promise.all([start(limits), start(limits)]);
    const token = await tokenFor({ role: 'partner', partnerId: 'partner-a' });
    const left = async (gateway: GatewayProcess) => {
      const answer = await gateway.graphql(CHEAP, {}, { token });
      return Number(/"partner";r=(\d+)/.exec(answer.headers.get('ratelimit') ?? '')?.[1]);
    };
    for (let index = 0; index < 10; index += 1) await left(one);
    await until('the other knows', async () => (await left(other)) < 25);
    const accounts = await accountsInRedis();
    expect(accounts.length).toBeGreaterThan(0);
    for (const { key, ttl } of accounts) {
      expect(key).toMatch(/^rate:[\w-]{22}$/);
      // -2: it has expired since; -1 would be for ever.
      expect(ttl).not.toBe(-1);
    }

    const stranger = await tokenFor({ role: 'partner', partnerId: 'partner-b' });
    const spendAll = async (gateway: GatewayProcess) => {
      let count = 0;
      while (count < 100 && (await gateway.graphql(CHEAP, {}, { token: stranger })).status === 200) count += 1;
      return count;
    };
    await proxy.refuse(true);
    proxy.dropAll();
    const alone = [await spendAll(one), await spendAll(other)];
    for (const count of alone) expect(count).toBeGreaterThanOrEqual(10);
    for (const count of alone) expect(count).toBeLessThan(30);
    await proxy.refuse(false);
    await until('they share again', async () => {
      for (const each of [one, other]) await each.graphql(CHEAP, {}, { token: stranger });
      return (await accountsInRedis()).some(({ key }) => !accounts.some((known) => known.key === key));
    });
  });

  test('connections beyond the cap of an address are told so, and ended', async () => {
    const capped = await start({ CONNECTIONS_PER_ADDRESS_MAX: '5', TRUST_PROXY: 'false' });
    const dial = () => connect({ host: '127.0.0.1', port: capped.port, localAddress: '127.0.0.3' });
    const sockets = Array.from({ length: 5 }, dial);
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
    const sixth = dial();
    expect((await within('the end', buffer(sixth))).toString()).toMatch(/^HTTP\/1\.1 429 [^]*RATE_LIMITED/);
    expect((await capped.get('/healthz')).status).toBe(200);
    for (const socket of sockets) socket.destroy();
    await until('room', async () => {
      const next = dial();
      next.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
      return (await buffer(next)).toString().startsWith('HTTP/1.1 200');
    });
    expect(await metric(capped, 'mes_connections_refused_total{cap="address"}')).toBeGreaterThan(0);
  });
});
