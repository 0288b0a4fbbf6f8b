import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import WebSocket from 'ws';
import { MIB } from '../src/units.js';
import { startGateway, type GatewayProcess } from './support/gateway.js';
import { sendRaw } from './support/gateway-requests.js';
import { freshPlant } from './support/plant.js';
import { until, within } from './support/race.js';
import { removeFolder, temporaryFolder } from './support/servers/temporary.js';
import { describeWith } from './support/servers/shared.js';
import { tokenFor } from './support/tokens.js';

const LARGE = 24 * MIB;
const KEY = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
const VERSION = 'Sec-WebSocket-Version: 13\r\n';
const LAST = 'Connection: close\r\n';

/** What every answer says, whatever became of the request. */
const SAFE = [
  'x-content-type-options: nosniff',
  "content-security-policy: default-src 'none'; frame-ancestors 'none'",
  'referrer-policy: no-referrer',
  'cross-origin-resource-policy: same-origin',
  'cache-control: no-store',
  'content-type: application/json; charset=utf-8',
];

describeWith('postgres')('what is written without Fastify', () => {
  const files = temporaryFolder();
  let gateway: GatewayProcess;
  let own: string;

  beforeAll(async () => {
    const plant = await freshPlant();
    writeFileSync(join(files, 'large.stl'), Buffer.alloc(LARGE, 'A'));
    writeFileSync(join(files, 'small.stl'), 'solid small');
    gateway = await startGateway({ MES_DATABASE_URL: plant.url, FILES_DIR: files, RATE_LIMIT_PARTNER: '50' });
    own = `Host: localhost\r\nAuthorization: Bearer ${await tokenFor({ role: 'operator' })}\r\n`;
  });
  afterAll(async () => {
    await gateway.stop();
    removeFolder(files);
  });

  const get = (path: string, headers = '') => `GET ${path} HTTP/1.1\r\n${own}${headers}\r\n`;
  const upgrade = (path: string, { method = 'GET', protocol = 'websocket', others = KEY + VERSION } = {}) =>
    `${method} ${path} HTTP/1.1\r\n${own}Connection: Upgrade\r\nUpgrade: ${protocol}\r\n${others}\r\n`;
  const answers = async (...requests: string[]) => within('the end', sendRaw(gateway, requests.join('')));
  const statuses = (said: string) => said.match(/HTTP\/1\.1 \d+/g) ?? [];

  /** All that is heard of a large file when `behind` is sent while its body is under way. */
  async function behindLarge(behind: string): Promise<Buffer> {
    const socket = connect({ host: '127.0.0.1', port: gateway.port });
    socket.on('error', () => undefined);
    const pieces: Buffer[] = [];
    socket.write(get('/files/large.stl'));
    const [first] = (await once(socket, 'data')) as [Buffer];
    pieces.push(first);
    socket.pause().on('data', (piece: Buffer) => pieces.push(piece));
    socket.write(behind);
    // The gateway hears it while the client takes nothing.
    await gateway.get('/healthz');
    await gateway.get('/healthz');
    const closed = once(socket, 'close');
    socket.resume();
    await within('the end', closed);
    return Buffer.concat(pieces);
  }

  function bodyOf(heard: Buffer): Buffer {
    return heard.subarray(heard.indexOf('\r\n\r\n') + 4);
  }

  describe('never stands in an answer that is under way', () => {
    test.each<[string, () => string]>([
      ['an upgrade', () => upgrade('/graphql')],
      ['an upgrade to nothing', () => upgrade('/healthz')],
      ['an upgrade by POST', () => upgrade('/graphql', { method: 'POST' })],
      ['an offer of another protocol', () => upgrade('/healthz', { protocol: 'h2c' })],
      ['what is no HTTP', () => 'nonsense\r\n\r\n'],
      ['a head that is too large', () => get('/healthz', `X-A: ${'a'.repeat(20_000)}\r\n`)],
      ['a broken body', () => `POST /graphql HTTP/1.1\r\n${own}Transfer-Encoding: chunked\r\n\r\nzz\r\n`],
    ])('%s ends the connection', async (_what, behind) => {
      const body = bodyOf(await behindLarge(behind()));
      expect(body.length).toBeLessThan(LARGE);
      expect(body.equals(Buffer.alloc(body.length, 'A'))).toBe(true);
    });
  });

  test('an upgrade when all are answered is as it is on a new connection', async () => {
    const socket = connect({ host: '127.0.0.1', port: gateway.port });
    let heard = '';
    socket.setEncoding('latin1').on('data', (text: string) => (heard += text));
    for (let round = 1; round <= 20; round += 1) {
      socket.write(get('/files/small.stl'));
      await until('the answer', () => heard.split('solid small').length > round);
    }
    socket.write(upgrade('/graphql'));
    await until('the socket', () => heard.includes('HTTP/1.1 101'));
    socket.destroy();
  });

  describe('has the headers of every answer:', () => {
    test.each<[string, () => string, number, string]>([
      ['no host', () => `GET /healthz HTTP/1.1\r\n${LAST}\r\n`, 400, 'The header \\"Host\\"'],
      ['no host of an upgrade', () => upgrade('/graphql').replace('Host: localhost\r\n', ''), 400, 'The header \\"Host\\"'],
      ['an upgrade by POST', () => upgrade('/graphql', { method: 'POST' }), 405, 'must be GET, but is: POST'],
      [
        'an old version',
        () => upgrade('/graphql', { others: `${KEY}Sec-WebSocket-Version: 99\r\n` }),
        400,
        'Sec-WebSocket-Version',
      ],
      ['no version', () => upgrade('/graphql', { others: KEY }), 400, 'Sec-WebSocket-Version'],
      ['a bad key', () => upgrade('/graphql', { others: `Sec-WebSocket-Key: x\r\n${VERSION}` }), 400, 'Sec-WebSocket-Key'],
      [
        'bad protocols',
        () => upgrade('/graphql', { others: `${KEY}${VERSION}Sec-WebSocket-Protocol: a,,b\r\n` }),
        400,
        'Sec-WebSocket-Protocol',
      ],
      ['another target', () => `GET http://evil.com/healthz HTTP/1.1\r\n${own}${LAST}\r\n`, 400, 'must name the same host'],
    ])('%s', async (_what, request, status, words) => {
      const said = await answers(request());
      expect(statuses(said)).toEqual([`HTTP/1.1 ${status}`]);
      for (const header of SAFE) expect(said).toContain(`\r\n${header}\r\n`);
      expect(said).toContain('{"error":{"code":"BAD_USER_INPUT","message":"');
      expect(said).toContain(words);
      expect(said.includes('\r\nallow: GET\r\n')).toBe(status === 405);
      if (words === 'Sec-WebSocket-Version') expect(said).toContain('\r\nsec-websocket-version: 13\r\n');
    });
  });

  test('HTTP/1.0 needs no host, and its files have a URL all the same', async () => {
    expect(await answers('GET /healthz HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 /);
    const body = '{"query":"{ file(path: \\"small.stl\\") { url } }"}';
    const head = `${own.replace('Host: localhost\r\n', '')}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n`;
    expect(await answers(`POST /graphql HTTP/1.0\r\n${head}\r\n${body}`)).toContain(
      `"url":"http://127.0.0.1:${gateway.port}/files/small.stl?`,
    );
  });

  test('a target that names the host is one without it', async () => {
    expect(await answers(`GET http://LOCALHOST/healthz HTTP/1.1\r\n${own}${LAST}\r\n`)).toMatch(/^HTTP\/1\.1 200 /);
    expect(await answers(`OPTIONS * HTTP/1.1\r\n${own}${LAST}\r\n`)).not.toContain('same host');
  });

  test('a socket that goes on sending after a limit is told once', async () => {
    const token = await tokenFor({ role: 'partner', partnerId: 'flood' });
    const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}/graphql`, 'graphql-transport-ws');
    await once(socket, 'open');
    const closed = once(socket, 'close') as Promise<[number]>;
    socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } }));
    await once(socket, 'message');
    for (let index = 0; index < 2_000; index += 1) socket.send('{"id":"1","type":"complete"}');
    expect((await within('the end', closed))[0]).toBe(1013);
    expect(gateway.output()).not.toContain('MaxListenersExceededWarning');
  });
});

describeWith('postgres')('a demo', () => {
  test('is not reached by a target that names another host', async () => {
    const plant = await freshPlant();
    const gateway = await startGateway({ MES_DATABASE_URL: plant.url, AUTH_JWT_SECRET: '', DEMO_SIMULATOR: 'false' });
    try {
      const ask = (target: string, host: string) =>
        sendRaw(gateway, `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
      expect(await ask('/healthz', 'localhost')).toMatch(/^HTTP\/1\.1 200 /);
      expect(await ask('http://evil.com/healthz', 'localhost')).toMatch(/^HTTP\/1\.1 400 /);
      expect(await ask('http://localhost/healthz', 'evil.com')).toMatch(/^HTTP\/1\.1 400 /);
      expect(await ask('http://evil.com/healthz', 'evil.com')).toMatch(/^HTTP\/1\.1 403 /);
    } finally {
      await gateway.stop();
    }
  });
});
