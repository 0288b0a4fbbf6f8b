import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { MIB } from '../src/units.js';
import { startGateway, type GatewayProcess } from './support/gateway.js';
import { sendRaw } from './support/gateway-requests.js';
import { freshPlant, type Plant } from './support/plant.js';
import { until, within } from './support/race.js';
import { removeFolder, temporaryFolder } from './support/servers/temporary.js';
import { describeWith } from './support/servers/shared.js';
import { tokenFor } from './support/tokens.js';

const LARGE = 24 * MIB;
const PORTAL = 'https://portal.example.com';
const QUERY = '{ orders { totalCount } }';
const MANY = '{ orders(createdBy: "2025-07-24T15:00Z") { nodes { number product } } }';
const HOST = 'Host: localhost\r\n';

/** What every answer says, whatever became of the request. */
const SAFE = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
};

/** Status, headers and body of the first answer in what came over a plain socket. */
function parse(answer: string) {
  const [head = '', body = ''] = answer.split('\r\n\r\n', 2);
  const [line = '', ...lines] = head.split('\r\n');
  const headers = Object.fromEntries(lines.map((each) => [each.split(':', 1)[0]!.toLowerCase(), each.replace(/^[^:]*: */, '')]));
  return { status: Number(line.split(' ')[1]), headers, body };
}

function open(port: number, text = ''): Socket {
  const socket = connect({ host: '127.0.0.1', port });
  socket.on('error', () => undefined);
  if (text) socket.write(text);
  return socket;
}

describeWith('postgres')('HTTP, as strangers use it', () => {
  const files = temporaryFolder();
  let plant: Plant;
  let gateway: GatewayProcess;
  let token: string;

  beforeAll(async () => {
    plant = await freshPlant();
    writeFileSync(join(files, 'large.stl'), Buffer.alloc(LARGE));
    writeFileSync(join(files, 'secret.stl'), 'solid');
    await plant.insert(...Array.from({ length: 3_000 }, (_, index) => ({ number: `N-${index}`, product: 'x'.repeat(6_000) })));
    gateway = await startGateway({
      MES_DATABASE_URL: plant.url,
      CORS_ORIGINS: `${PORTAL},https://studio.apollographql.com`,
      COMPRESSION: 'on',
      HEADERS_TIMEOUT_SECONDS: '1',
      REQUEST_TIMEOUT_SECONDS: '1',
      FILES_DIR: files,
      TRUST_PROXY: '127.0.0.2',
    });
    token = await tokenFor({ role: 'operator' });
  });
  afterAll(async () => {
    await gateway.stop();
    removeFolder(files);
  });

  const raw = async (text: string) => parse(await within('the end', sendRaw(gateway, text)));

  describe('the headers of', () => {
    test.each([
      [
        'an answer',
        `POST /graphql HTTP/1.1\r\n${HOST}Content-Type: application/json\r\nContent-Length: 24\r\n`,
        '{"query":"{__typename}"}',
        200,
      ],
      ['nothing', `GET /nothing HTTP/1.1\r\n${HOST}`, '', 404],
      ['a file that is not there for strangers', `GET /files/a.stl HTTP/1.1\r\n${HOST}`, '', 401],
      ['a redirection', `GET / HTTP/1.1\r\n${HOST}`, '', 302],
      ['a probe', `GET /healthz HTTP/1.1\r\n${HOST}`, '', 200],
      ['a bad URL', `GET /files/%zz HTTP/1.1\r\n${HOST}`, '', 400],
      ['a host that is none', `GET /graphql HTTP/1.1\r\nHost: a b\r\n`, '', 400],
      ['an address that is none', `GET /graphql HTTP/1.1\r\nHost: 127.0.0.0.1\r\n`, '', 400],
      ['no HTTP', `nonsense\r\n`, '', 400],
      ['a refused upgrade', `GET /files HTTP/1.1\r\n${HOST}Upgrade: websocket\r\n`, '', 404],
    ])('%s', async (_what, head, body, status) => {
      const close = /upgrade/i.test(head) ? 'Connection: upgrade' : 'Connection: close';
      const answer = await raw(`${head}${close}\r\n\r\n${body}`);
      expect(answer.status).toBe(status);
      const files = head.includes('/files/');
      expect(answer.headers).toMatchObject({
        ...SAFE,
        ...(files && {
          'content-security-policy': expect.stringContaining(`frame-ancestors ${PORTAL}`),
          'cross-origin-resource-policy': 'cross-origin',
        }),
      });
      expect(answer.headers).not.toHaveProperty('strict-transport-security');
      expect(answer.headers).not.toHaveProperty('server');
      expect(answer.headers).not.toHaveProperty('x-powered-by');
    });

    test('the landing page lets Sandbox in, and nothing else', async () => {
      const page = await gateway.get('/graphql', { headers: { accept: 'text/html' } });
      expect(page.headers.get('content-security-policy')).toMatch(
        /^default-src 'none'; script-src 'sha256-[\w+/=]+' https:\/\/embeddable-sandbox\.cdn\.apollographql\.com; .*frame-ancestors 'none'$/,
      );
      expect(page.headers.get('x-content-type-options')).toBe('nosniff');
    });

    test('an answer behind a proxy that speaks TLS; only a trusted one is believed', async () => {
      const ask = `GET /healthz HTTP/1.1\r\n${HOST}X-Forwarded-Proto: https\r\nConnection: close\r\n\r\n`;
      expect((await raw(ask)).headers).not.toHaveProperty('strict-transport-security');
      const socket = connect({ host: '127.0.0.1', port: gateway.port, localAddress: '127.0.0.2' });
      socket.write(ask);
      const answer = parse((await buffer(socket)).toString());
      expect(answer.headers['strict-transport-security']).toBe('max-age=31536000');
    });

    test.each([
      ['X-Forwarded-Host', 'a"b', 400],
      ['X-Forwarded-Proto', 'javascript', 400],
      ['X-Forwarded-Host', 'portal.example.com', 200],
    ])('%s: %s, as a trusted proxy passes it on', async (name, value, status) => {
      const socket = connect({ host: '127.0.0.1', port: gateway.port, localAddress: '127.0.0.2' });
      socket.write(`GET /healthz HTTP/1.1\r\n${HOST}${name}: ${value}\r\nConnection: close\r\n\r\n`);
      expect(parse((await buffer(socket)).toString()).status).toBe(status);
    });
  });

  describe('methods', () => {
    test.each([
      ['DELETE', '/graphql', 'GET, OPTIONS, POST'],
      ['PUT', '/graphql?query={x}', 'GET, OPTIONS, POST'],
      ['PATCH', '/files/a/b.stl', 'GET, HEAD, OPTIONS, PUT'],
      ['POST', '/healthz', 'GET, HEAD, OPTIONS'],
    ])('%s %s is not allowed', async (method, path, allow) => {
      const answer = await gateway.get(path, { method });
      expect([answer.status, answer.headers.get('allow')]).toEqual([405, allow]);
      expect(await answer.json()).toEqual({
        error: { code: 'BAD_USER_INPUT', message: expect.stringContaining(`but is: ${method}.`) },
      });
    });

    test('HEAD and OPTIONS are answered without a body', async () => {
      for (const [method, path, status] of [
        ['HEAD', '/healthz', 200],
        ['OPTIONS', '/graphql', 204],
      ] as const) {
        const answer = await gateway.get(path, { method });
        expect([answer.status, await answer.text()]).toEqual([status, '']);
      }
      expect((await gateway.get('/graphql', { method: 'HEAD' })).status).toBe(405);
    });

    test('a mutation by GET is refused, whatever way it comes', async () => {
      const query = encodeURIComponent('mutation { fileChanged(path: "a.stl") { path } }');
      const plain = await gateway.get(`/graphql?query=${query}`, { token, headers: { 'apollo-require-preflight': '1' } });
      expect([plain.status, plain.headers.get('allow')]).toEqual([405, 'POST']);
      const events = await gateway.get(`/graphql/stream?query=${query}`, { token });
      expect([events.status, events.headers.get('allow')]).toEqual([405, 'POST']);
    });
  });

  describe('what a foreign page can make a browser send', () => {
    const ask = (body: string | FormData, headers: Record<string, string>) =>
      gateway.get('/graphql', { method: 'POST', body, token, headers });

    test.each([
      ['text/plain', JSON.stringify({ query: QUERY })],
      ['application/x-www-form-urlencoded', `query=${encodeURIComponent(QUERY)}`],
      ['TEXT/PLAIN; charset=utf-8', JSON.stringify({ query: QUERY })],
      [
        'multipart/form-data; boundary=x',
        '--x\r\ncontent-disposition: form-data; name="operations"\r\n\r\n{"query":"{__typename}"}\r\n--x--\r\n',
      ],
    ])('%s is refused, also as server-sent events', async (type, body) => {
      const answer = await ask(body, { 'content-type': type });
      expect([answer.status, await answer.text()]).toEqual([400, expect.stringContaining('CSRF')]);
      const events = await ask(body, { 'content-type': type, accept: 'text/event-stream' });
      expect(events.status).toBe(400);
    });

    test('a multipart body without a boundary, and no type at all', async () => {
      expect((await ask(new FormData(), {})).status).toBe(400);
      expect((await ask(JSON.stringify({ query: QUERY }), { 'content-type': '' })).status).toBe(415);
    });
  });

  describe('requests that two servers could read differently', () => {
    const post = `POST /graphql HTTP/1.1\r\n${HOST}Content-Type: application/json\r\n`;
    test.each([
      [
        'length and chunks',
        `${post}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /nothing HTTP/1.1\r\n${HOST}\r\n`,
      ],
      ['two lengths', `${post}Content-Length: 4\r\nContent-Length: 5\r\n\r\n{}  `],
      ['a length that is none', `${post}Content-Length: +2\r\n\r\n{}`],
      ['an unknown coding', `${post}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`],
      ['chunks that are not last', `${post}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`],
      ['a space before the colon', `${post}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n`],
      ['a folded header', `GET /healthz HTTP/1.1\r\n${HOST}X-A: b\r\n c\r\n\r\n`],
      ['a bare carriage return', `GET /healthz HTTP/1.1\r\n${HOST}X-A: b\rContent-Length: 9\r\n\r\n`],
      ['two hosts', `GET /healthz HTTP/1.1\r\n${HOST}${HOST}Connection: close\r\n\r\n`],
    ])('%s', async (_what, text) => {
      const answer = await within('the end', sendRaw(gateway, text));
      expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 400']);
      expect(JSON.parse(parse(answer).body)).toEqual({ error: { code: 'BAD_USER_INPUT', message: expect.any(String) } });
    });
  });

  describe('too much', () => {
    test.each([
      ['headers', `GET /healthz HTTP/1.1\r\n${HOST}X-A: ${'a'.repeat(20_000)}\r\n\r\n`, 431],
      ['a URL', `GET /healthz?${'a'.repeat(20_000)} HTTP/1.1\r\n${HOST}\r\n`, 431],
      ['header lines', `GET /healthz HTTP/1.1\r\n${HOST}${'X-A: b\r\n'.repeat(150)}Connection: close\r\n\r\n`, 400],
    ])('%s', async (_what, text, status) => {
      const answer = await raw(text);
      expect(answer).toMatchObject({ status, headers: SAFE });
      expect(JSON.parse(answer.body)).toMatchObject({ error: { code: 'BAD_USER_INPUT' } });
    });
  });

  describe('too slow', () => {
    test('headers that do not end are answered with 408', async () => {
      const socket = open(gateway.port, `GET /healthz HTTP/1.1\r\n${HOST}`);
      const drip = setInterval(() => socket.write('X-A: b\r\n'), 200);
      const answer = await within('the end', buffer(socket), 8_000);
      clearInterval(drip);
      expect(parse(answer.toString())).toMatchObject({ status: 408, headers: SAFE });
    });

    test('so is a body that does not end; an upload may take longer as long as it comes on', async () => {
      const slow = open(
        gateway.port,
        `POST /graphql HTTP/1.1\r\n${HOST}Content-Type: application/json\r\nContent-Length: 999\r\n\r\n{`,
      );
      const drip = setInterval(() => slow.write(' '), 200);
      const answer = await within('the end', buffer(slow), 8_000);
      clearInterval(drip);
      expect(parse(answer.toString())).toMatchObject({ status: 408, headers: SAFE });
    });

    test('a connection that says nothing is ended', async () => {
      const socket = open(gateway.port);
      await within('the end', once(socket.resume(), 'close'), 8_000);
    });
  });

  test.each(['foo', '100-continue, foo'])(
    'an expectation that nobody fulfils, "%s", is refused as all else is',
    async (expected) => {
      for (const request of [`GET /healthz`, `POST /graphql`, `PUT /files/a.stl`, 'GET /files/a.stl']) {
        const answer = await raw(
          `${request} HTTP/1.1\r\n${HOST}Expect: ${expected}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
        );
        expect(answer).toMatchObject({
          status: 417,
          headers: { 'x-content-type-options': 'nosniff', 'cache-control': 'no-store', 'x-request-id': expect.any(String) },
        });
        expect(JSON.parse(answer.body)).toEqual({
          [request.includes('graphql') ? 'errors' : 'error']: expect.anything(),
        });
        expect(answer.body).toContain('The header \\"Expect\\" must be \\"100-continue\\", or absent.');
      }
      const old = await raw(`GET /healthz HTTP/1.0\r\n${HOST}Expect: ${expected}\r\n\r\n`);
      expect(old.status).toBe(200);
    },
  );

  test('refusals can be read by pages that may call the gateway', async () => {
    const answer = await gateway.get('/nothing', { headers: { origin: PORTAL } });
    expect(answer.headers.get('access-control-allow-origin')).toBe(PORTAL);
    expect(answer.headers.get('access-control-expose-headers')).toMatch(/ratelimit, ratelimit-policy, retry-after/);
    expect(answer.headers.get('access-control-allow-credentials')).toBeNull();
  });

  describe('compression', () => {
    const sent = async (query: string, accept: string) => {
      const body = JSON.stringify({ query });
      const socket = open(
        gateway.port,
        `POST /graphql HTTP/1.1\r\n${HOST}Content-Type: application/json\r\nAuthorization: Bearer ${token}\r\nConnection: close\r\n` +
          `Accept-Encoding: ${accept}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      );
      const bytes = await within('the end', buffer(socket));
      const end = bytes.indexOf('\r\n\r\n') + 4;
      return { headers: parse(bytes.toString('latin1')).headers, body: bytes.subarray(end) };
    };
    const SOME = '{ orders(createdBy: "2025-07-24T15:00Z", first: 100) { nodes { number product } } }';

    test('answers what the client takes', async () => {
      const plain = await sent(SOME, 'identity');
      expect(plain.headers).not.toHaveProperty('content-encoding');
      expect(plain.headers.vary).toMatch(/accept-encoding/i);
      const br = await sent(SOME, 'gzip, deflate, br');
      expect(br.headers['content-encoding']).toBe('br');
      expect(Number(br.headers['content-length'])).toBe(br.body.length);
      expect(brotliDecompressSync(br.body).equals(plain.body)).toBe(true);
      const gzip = await sent(SOME, 'br;q=0, gzip;q=0.5');
      expect(gunzipSync(gzip.body).equals(plain.body)).toBe(true);
      expect((await sent('{ __typename }', 'br')).headers).not.toHaveProperty('content-encoding');
    });

    test('never an answer that holds a secret', async () => {
      const [order] = await plant.insert({ file_path: 'secret.stl', created_at: '2025-07-25T15:00Z' });
      const query = (field: string) => `{ order(id: "${order!.id}") { file { path ${field} } } ${SOME.slice(1)}`;
      expect((await sent(query('name'), 'br')).headers['content-encoding']).toBe('br');
      const answer = await sent(query('url'), 'br');
      expect(answer.body.toString()).toContain('secret.stl?');
      expect(answer.headers).not.toHaveProperty('content-encoding');
    });
  });

  test('a signed URL is bound to path, expiry and scope, not to how it is spelled', async () => {
    const answer = await gateway.graphql<{ file: { url: string } }>('{ file(path: "secret.stl") { url } }', {}, { token });
    const { pathname, searchParams } = new URL(answer.data!.file.url);
    const [expires, scope, signature] = ['expires', 'scope', 'signature'].map((name) => searchParams.get(name) ?? '');
    const statusOf = async (path: string, query: Record<string, string | undefined>) => {
      const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined);
      const target = `${path}?${new URLSearchParams(given).toString()}`;
      return (await raw(`GET ${target} HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`)).status;
    };
    const same = [
      await statusOf(pathname, { expires, scope, signature }),
      await statusOf(pathname, { signature, other: 'x', scope, expires }),
      await statusOf(pathname.replace('secret', 'secr%65t'), { expires, scope, signature }),
    ];
    expect(same).toEqual([200, 200, 200]);
    const others = [
      await statusOf('/files/large.stl', { expires, scope, signature }),
      await statusOf(pathname, { expires: String(Number(expires) + 1), scope, signature }),
      await statusOf(pathname, { expires, scope: 'partner:acme', signature }),
      await statusOf(pathname, { expires, signature }),
      await statusOf(pathname, { expires, scope, signature: signature!.toLowerCase() }),
    ];
    expect(others).toEqual([401, 401, 401, 401, 401]);
  });

  /** Nothing of what comes is taken. */
  function asleep(text: string): Socket {
    return open(gateway.port, text).pause();
  }

  /** Takes what is there and what still comes: so many bytes of a body that was announced to have so many. */
  async function taker(socket: Socket): Promise<{ bytes: number; announced: number }> {
    const pieces: Buffer[] = [];
    socket.on('data', (piece: Buffer) => pieces.push(piece)).resume();
    await once(socket, 'close');
    const all = Buffer.concat(pieces);
    const end = all.indexOf('\r\n\r\n') + 4;
    return { bytes: all.length - end, announced: Number(/content-length: (\d+)/i.exec(all.subarray(0, end).toString())?.[1]) };
  }

  test('a client that never takes its answer is cut; one that takes its file late is not', async () => {
    const body = JSON.stringify({ query: MANY });
    const head = `${HOST}Authorization: Bearer ${token}\r\n`;
    const file = asleep(`GET /files/large.stl HTTP/1.1\r\n${head}Connection: close\r\n\r\n`);
    const answer = asleep(
      `POST /graphql HTTP/1.1\r\n${head}X-Request-Id: asleep\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    await until('its line in the log', () => gateway.output().includes('"reqId":"asleep"'));
    const taken = await within('the end of the answer', taker(answer));
    expect(taken.bytes).toBeLessThan(taken.announced);
    expect(taken.announced).toBeGreaterThan(18_000_000);
    const read = await within('the end of the file', taker(file));
    expect([read.bytes, read.announced]).toEqual([LARGE, LARGE]);
  });
});
