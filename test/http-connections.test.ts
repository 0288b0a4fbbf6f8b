import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import Fastify from 'fastify';
import { trustIn } from '../src/http/client-address.js';
import { capConnections, type ConnectionCaps } from '../src/http/connection-caps.js';
import { healthRoutes } from '../src/http/health.js';
import { sendError } from '../src/http/http-error.js';
import { securityHeaders, type SecurityHeaderOptions } from '../src/http/security-headers.js';
import { cutSlowReaders } from '../src/http/slow-readers.js';
import { MIB, SECOND } from '../src/units.js';
import { FakeTime } from './support/fake-time.js';
import { until, within } from './support/race.js';

const GET = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n';

let server: Server;
let clients: Socket[];

beforeEach(() => {
  clients = [];
  server = createServer((_request, response) => response.end('here'));
});
afterEach(async () => {
  for (const client of clients) client.destroy();
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

async function listen(): Promise<void> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
}

function dial(localAddress = '127.0.0.1'): Socket {
  const client = connect({ host: '127.0.0.1', port: (server.address() as AddressInfo).port, localAddress });
  clients.push(client.on('error', () => undefined));
  return client;
}

describe('the caps of connections', () => {
  let refused: string[];

  const cap = async (caps: ConnectionCaps, trusted: string[] = []): Promise<void> => {
    refused = [];
    const metrics = { connectionRefused: (which: string) => void refused.push(which) };
    capConnections(server, caps, trustIn(trusted), metrics);
    await listen();
  };
  const isServed = async (client: Socket): Promise<boolean> => {
    client.write(GET);
    const [head] = (await within('an answer', once(client, 'data'))) as [Buffer];
    return head.toString().startsWith('HTTP/1.1 200');
  };

  test('hold for all together, from wherever they come; one that ends makes room', async () => {
    await cap({ connectionsMax: 3 }, ['127.0.0.2']);
    const open = [dial(), dial('127.0.0.2'), dial('127.0.0.3')];
    for (const client of open) expect(await isServed(client)).toBe(true);
    for (const address of ['127.0.0.1', '127.0.0.2', '127.0.0.4']) {
      const told = await within('the end', text(dial(address)));
      expect(told).toMatch(/^HTTP\/1\.1 429 [^]*retry-after: 1[^]*"code":"RATE_LIMITED"[^]*as many connections as it takes/);
      expect(told).toContain('x-content-type-options: nosniff');
    }
    expect(refused).toEqual(['all', 'all', 'all']);
    open[1]?.destroy();
    await until('room', async () => isServed(dial('127.0.0.5')));
  });

  test('of one address hold for each apart, and not for a proxy that is trusted', async () => {
    await cap({ connectionsMax: 100, connectionsPerAddressMax: 2 }, ['127.0.0.9']);
    for (const address of ['127.0.0.1', '127.0.0.2']) {
      expect([await isServed(dial(address)), await isServed(dial(address))]).toEqual([true, true]);
      expect(await within('the end', text(dial(address)))).toContain('This address has as many connections as it may');
    }
    expect(refused).toEqual(['address', 'address']);
    for (let count = 0; count < 5; count += 1) expect(await isServed(dial('127.0.0.9'))).toBe(true);
  });

  test('are not used up by connections that were refused', async () => {
    await cap({ connectionsMax: 2 });
    const open = [dial(), dial()];
    for (const client of open) expect(await isServed(client)).toBe(true);
    for (let count = 0; count < 5; count += 1) await within('the end', text(dial()));
    open[0]?.destroy();
    await until('room', async () => isServed(dial()));
  });
});

describe('a client that takes its answer slowly', () => {
  const TIMEOUT = 60 * SECOND;
  let time: FakeTime;

  /** A client whose answer has ended for the server and lies, for the most part, in its connection. */
  const slow = async (path: string): Promise<{ client: Socket; response: ServerResponse }> => {
    time = new FakeTime();
    server = createServer((_request, response) => response.end(Buffer.alloc(32 * MIB)));
    cutSlowReaders(server, { timeout: TIMEOUT, clock: time.now });
    await listen();
    const arrived = once(server, 'request');
    const client = dial().pause();
    client.write(GET.replace('/', path));
    const [, response] = (await arrived) as [unknown, ServerResponse];
    await until('the end of the answer', () => response.writableEnded);
    return { client, response };
  };
  /** Longer than it takes until connections are looked at again. */
  const lookedAt = () => new Promise((resolve) => setTimeout(resolve, 1_500));

  test('may take ten times the timeout for all of it, and is cut then', async () => {
    const { client, response } = await slow('/graphql');
    const closed = once(response, 'close');
    let taken = 0;
    client.on('data', (piece: Buffer) => (taken += piece.length)).pause();
    time.advance(10 * TIMEOUT);
    await lookedAt();
    expect(response.destroyed).toBe(false);
    // So that it is not cut for taking nothing.
    expect(response.socket?.timeout).toBe(TIMEOUT);
    time.advance(1);
    await within('the cut', closed);
    await within('the end', once(client.resume(), 'close'));
    expect(taken).toBeLessThan(32 * MIB);
  });

  test('of a file is not cut', async () => {
    const { response } = await slow('/files/ring.stl');
    time.advance(100 * TIMEOUT);
    await lookedAt();
    expect([response.destroyed, response.socket?.destroyed]).toEqual([false, false]);
  });
});

describe('Strict-Transport-Security', () => {
  const headersOf = async (options: SecurityHeaderOptions, url = '/'): Promise<unknown> => {
    const app = Fastify();
    const set = securityHeaders(options);
    app.addHook('onRequest', (request, reply, next) => {
      set(request, reply);
      next();
    });
    app.get('/*', () => 'here');
    const answer = await app.inject({ url });
    await app.close();
    return answer.headers['strict-transport-security'];
  };

  test.each([
    ['https://gateway.example.com', 'max-age=31536000'],
    ['http://gateway.example.com', undefined],
    ['http://https.example.com', undefined],
    [undefined, undefined],
  ])('where clients reach the gateway at %s: %s', async (publicUrl, expected) => {
    for (const url of ['/', '/files/a.stl']) expect(await headersOf({ corsOrigins: [], publicUrl }, url)).toBe(expected);
  });
});

describe('/metrics', () => {
  const SECRETS = ['a+secret/of=the.metrics', 'the-one-before-it'];

  const ask = async (metricsSecrets: readonly string[] | undefined, authorization?: string) => {
    const app = Fastify();
    app.setErrorHandler(sendError);
    await app.register(healthRoutes, {
      readiness: () => Promise.resolve({ ready: true, parts: {} }),
      metrics: { text: () => Promise.resolve({ contentType: 'text/plain', body: 'mes_up 1' }) },
      metricsSecrets,
    });
    const headers = authorization === undefined ? {} : { authorization };
    const answers = await Promise.all(['/metrics', '/healthz', '/readyz'].map((url) => app.inject({ url, headers })));
    await app.close();
    expect(answers.slice(1).map(({ statusCode }) => statusCode)).toEqual([200, 200]);
    return answers[0]!;
  };

  test('is open to everyone unless it has a secret', async () => {
    expect((await ask(undefined)).body).toBe('mes_up 1');
  });

  test.each([`Bearer ${SECRETS[0]}`, `bearer  ${SECRETS[1]} `])('is opened by %s', async (authorization) => {
    expect(await ask(SECRETS, authorization)).toMatchObject({ statusCode: 200, body: 'mes_up 1' });
  });

  test.each([
    undefined,
    'Bearer',
    `Bearer ${SECRETS[0]}x`,
    `Bearer ${SECRETS[0]?.slice(1)}`,
    `Basic ${SECRETS[0]}`,
    `${SECRETS[0]}`,
  ])('is not opened by %s', async (authorization) => {
    const answer = await ask(SECRETS, authorization);
    expect([answer.statusCode, answer.headers['www-authenticate']]).toEqual([401, 'Bearer']);
    expect(answer.json()).toEqual({ error: { code: 'UNAUTHENTICATED', message: expect.stringContaining('Bearer <secret>') } });
  });
});
