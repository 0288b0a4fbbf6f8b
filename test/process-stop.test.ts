import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { createClient } from '@redis/client';
import { createDrain } from '../src/http/drain.js';
import { emptyRedis } from './support/empty-redis.js';
import { startGateway, type GatewayProcess } from './support/gateway.js';
import { freshPlant, type Plant } from './support/plant.js';
import { tokenFor } from './support/tokens.js';
import { startProxyTo, type Proxy } from './support/proxy.js';
import { holdFirst, until, within } from './support/race.js';
import { describeWith } from './support/servers/shared.js';

const WINDOW = `{ orders(createdBy: "2025-07-24T15:00Z", window: 60) { nodes { id status } } }`;
const ADVANCE = `mutation ($id: ID!) { updateOrderStatus(id: $id, status: SHIPPED) { status } }`;

test('a drain that is cut ends every connection, whatever became of it', async () => {
  const server = createServer(() => undefined);
  const drain = createDrain(server);
  const upgraded = once(server, 'upgrade');
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const head = 'GET / HTTP/1.1\r\nHost: localhost\r\n';
  const sockets = [`${head}Connection: Upgrade\r\nUpgrade: other\r\n\r\n`, `${head}\r\n`, head].map((text) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.on('error', () => undefined).write(text);
    return new Promise((resolve) => socket.once('close', resolve));
  });
  await Promise.all([within('the upgrade', upgraded), within('the request', once(server, 'request'))]);
  const finished = drain.finish();
  drain.cut();
  await within('the end of the drain', finished);
  await within('the end of all connections', Promise.all(sockets));
});

test('a drain ends connections that ask nothing: not used yet, kept after an answer, with half a head', async () => {
  const server = createServer((_request, response) => response.end('answer'));
  const drain = createDrain(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const head = 'GET / HTTP/1.1\r\nHost: localhost\r\n';
  const sockets = ['', `${head}\r\n`, head].map((text) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.on('error', () => undefined).write(text);
    return socket;
  });
  const closed = sockets.map((socket) => new Promise((resolve) => socket.once('close', resolve)));
  await within('the answer', once(sockets[1]!, 'data'));
  for (const socket of sockets) socket.resume();
  await within('the end of the drain', drain.finish());
  await within('the end of the server', new Promise((resolve) => server.close(resolve)));
  await within('the end of all connections', Promise.all(closed));
});

describeWith('postgres', 'redis')('a signal to end', () => {
  let plant: Plant;
  let proxy: Proxy;
  let redisUrl: string;
  let env: Record<string, string>;
  let gateway: GatewayProcess | undefined;
  let id: string;
  let operator: string;

  beforeEach(async () => {
    plant = await freshPlant();
    id = (await plant.insert({}))[0]!.id;
    const through = await startProxyTo(plant.url);
    proxy = through.proxy;
    redisUrl = await emptyRedis();
    env = { MES_DATABASE_URL: through.url, REDIS_URL: redisUrl };
    operator = await tokenFor({ role: 'operator' });
  });
  afterEach(async () => {
    await gateway?.stop();
    await proxy.close();
  });

  async function inRedis(pattern: string): Promise<string[]> {
    const client = createClient({ url: redisUrl });
    await client.connect();
    try {
      return await client.keys(pattern);
    } finally {
      client.destroy();
    }
  }
  const refused = (port: number) => async () => {
    const socket = connect({ port, host: '127.0.0.1' });
    const answer = await Promise.race([once(socket, 'connect'), once(socket, 'error').catch((error: unknown) => [error])]).catch(
      (error: unknown) => [error],
    );
    socket.destroy();
    return (answer[0] as NodeJS.ErrnoException | undefined)?.code === 'ECONNREFUSED';
  };

  test.each<{ first: NodeJS.Signals; more: NodeJS.Signals[] }>([
    { first: 'SIGTERM', more: [] },
    { first: 'SIGINT', more: [] },
    { first: 'SIGTERM', more: ['SIGTERM', 'SIGINT', 'SIGTERM'] },
  ])('$first, then $more: the request under way is answered, what it filled is kept, and the exit code is 0', async (signals) => {
    const running = (gateway = await startGateway(env));
    const hold = holdFirst(proxy, id);
    const read = running.graphql<{ orders: { nodes: unknown[] } }>(WINDOW, {}, { token: operator });
    await within('the held answer', hold.heldOnce);
    running.kill(signals.first);
    await until('new connections are refused', refused(running.port));
    for (const signal of signals.more) running.kill(signal);
    expect(running.isRunning()).toBe(true);
    hold.release();
    const answer = await within('the answer', read);
    expect(answer).toMatchObject({ status: 200, data: { orders: { nodes: [{ id, status: 'SUBMITTED' }] } } });
    await until('the end of the process', () => !running.isRunning());
    expect(await running.stop()).toBe(0);
    expect(await inRedis('orders:list:*')).toEqual(['orders:list:createdBy=2025-07-24T15:00Z:TimeWindow=60']);
    const log = running.output().trim().split('\n');
    expect(log.filter((line) => line.includes('shutting down'))).toHaveLength(1);
    expect(log.at(-1)).toContain('"msg":"stopped"');
    expect(running.output()).not.toMatch(/"level":[56]0/);
  });

  test('a mutation under way is committed, acknowledged and invalidates', async () => {
    const running = (gateway = await startGateway(env));
    const hold = holdFirst(proxy, 'COMMIT');
    const change = running.graphql(ADVANCE, { id }, { token: operator });
    await within('the held answer', hold.heldOnce);
    running.kill('SIGTERM');
    await until('new connections are refused', refused(running.port));
    hold.release();
    expect(await within('the answer', change)).toMatchObject({ status: 200, data: { updateOrderStatus: { status: 'SHIPPED' } } });
    expect(await running.stop()).toBe(0);
    expect(await inRedis('token:*TimeWindow=60')).toHaveLength(1);
  });

  test('an answer that a slow client is still reading arrives whole', async () => {
    const rows = Array.from({ length: 10_000 }, (_, index) => ({ number: `ORD-${index}`, product: 'x'.repeat(1_000) }));
    await plant.insert(...rows);
    const running = (gateway = await startGateway(env));
    const query = encodeURIComponent('{ orders(createdBy: "2025-07-24T15:00Z") { nodes { number product } } }');
    const socket = connect({ port: running.port, host: '127.0.0.1' });
    socket.write(`GET /graphql?query=${query} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${operator}\r\n`);
    socket.write('Apollo-Require-Preflight: 1\r\n\r\n');
    const [head] = (await once(socket, 'data')) as [Buffer];
    socket.pause();
    const length = Number(/content-length: (\d+)/i.exec(head.toString())?.[1]);
    expect(length).toBeGreaterThan(9_000_000);
    running.kill('SIGTERM');
    await until('new connections are refused', refused(running.port));
    let received = head.length - head.indexOf('\r\n\r\n') - 4;
    socket.on('data', (piece: Buffer) => (received += piece.length));
    socket.on('error', () => undefined).resume();
    await within('the end of the answer', once(socket, 'close'));
    expect(received).toBe(length);
    await until('the end of the process', () => !running.isRunning());
    expect(await running.stop()).toBe(0);
  });

  test('a request that does not end is cut off after SHUTDOWN_TIMEOUT_SECONDS, and the exit code is 0', async () => {
    const running = (gateway = await startGateway({ ...env, SHUTDOWN_TIMEOUT_SECONDS: '1', MES_DATABASE_TIMEOUT_SECONDS: '2' }));
    const hold = holdFirst(proxy, id);
    const read = running.graphql(WINDOW, {}, { token: operator }).catch(() => 'cut off');
    await within('the held answer', hold.heldOnce);
    running.kill('SIGTERM');
    expect(await within('the cut', read)).toBe('cut off');
    await until('the end of the process', () => !running.isRunning(), 8_000);
    expect(await running.stop()).toBe(0);
  });

  const OFFER = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n';
  const UPGRADE = 'GET /files HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';

  async function sent(port: number, text: string) {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    socket.on('error', () => undefined);
    socket.write(text);
    await within('an answer', once(socket, 'data'));
    return socket;
  }

  test.each([
    ['an answer that waits behind another one', OFFER.repeat(2)],
    ['a request that never ends', `${OFFER}POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n`],
    ['a refused upgrade', UPGRADE],
  ])('no connection outlives SHUTDOWN_TIMEOUT_SECONDS: %s', async (_what, text) => {
    const running = (gateway = await startGateway({ ...env, SHUTDOWN_TIMEOUT_SECONDS: '1' }));
    const socket = await sent(running.port, text);
    running.kill('SIGTERM');
    await until('the end of the process', () => !running.isRunning(), 8_000);
    expect(await running.stop()).toBe(0);
    socket.destroy();
  });

  test('answers that waited behind another one when their client went away are not waited for', async () => {
    const running = (gateway = await startGateway({ ...env, SHUTDOWN_TIMEOUT_SECONDS: '60' }));
    (await sent(running.port, OFFER.repeat(2))).destroy();
    const hold = holdFirst(proxy, id);
    const body = JSON.stringify({ query: WINDOW });
    const head = `Host: localhost\r\nAuthorization: Bearer ${operator}\r\nContent-Type: application/json`;
    const post = `POST /graphql HTTP/1.1\r\n${head}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    const socket = connect({ port: running.port, host: '127.0.0.1' });
    socket.write(post.repeat(2));
    await within('the held answer', hold.heldOnce);
    socket.destroy();
    hold.release();
    running.kill('SIGTERM');
    await until('the end of the process', () => !running.isRunning(), 8_000);
    expect(await running.stop()).toBe(0);
  });
});
