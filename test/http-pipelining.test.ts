import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import fastify, { type FastifyInstance } from 'fastify';
import { sendError } from '../src/http/http-error.js';
import { closePipelined } from '../src/http/pipelining.js';
import { orderPipelined } from '../src/http/pipeline-order.js';
import { BodyDeadlines } from '../src/http/upload-deadline.js';
import { SECOND } from '../src/units.js';
import { FakeTime } from './support/fake-time.js';
import { startGateway, type GatewayProcess } from './support/gateway.js';
import { sendRaw } from './support/gateway-requests.js';
import { freshPlant, type Plant } from './support/plant.js';
import { until, within } from './support/race.js';
import { describeWith } from './support/servers/shared.js';
import { removeFolder, temporaryFolder } from './support/servers/temporary.js';
import { tokenFor } from './support/tokens.js';

const HOST = 'Host: localhost\r\n';

function request(method: string, path: string, body: string, headers = ''): string {
  return `${method} ${path} HTTP/1.1\r\n${HOST}${headers}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

const post = (path: string, body = '', headers = '') => request('POST', path, body, headers);
const get = (path: string, headers = '') => `GET ${path} HTTP/1.1\r\n${HOST}${headers}\r\n`;

describe('requests that come without waiting for answers', () => {
  let app: FastifyInstance;
  let time: FakeTime;
  /** Paths that have begun, in order. */
  let begun: string[];
  /** By path: lets it be answered. */
  let ends: Map<string, () => void>;
  let client: Socket;
  let heard: string;

  beforeEach(async () => {
    [begun, ends, heard, time] = [[], new Map(), '', new FakeTime()];
    app = fastify();
    app.setErrorHandler(sendError);
    closePipelined(app.server);
    const deadlines = new BodyDeadlines(30 * SECOND, time);
    deadlines.watch(app.server);
    orderPipelined(app, deadlines);
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, parsed) => parsed(null, body));
    app.all('/*', async ({ url }, reply) => {
      if (url === '/last') void reply.header('connection', 'close');
      begun.push(url);
      await new Promise<void>((resolve) => ends.set(url, resolve));
      return `answer of ${url}.`;
    });
    await app.listen({ host: '127.0.0.1', port: 0 });
    client = dial();
    client.setEncoding('utf8').on('data', (text: string) => (heard += text));
    await once(client, 'connect');
  });
  afterEach(async () => {
    client.destroy();
    for (const end of ends.values()) end();
    await app.close();
  });

  const dial = (): Socket => connect((app.addresses()[0] as { port: number }).port, '127.0.0.1');
  const send = (...requests: string[]) => client.write(requests.join(''));
  const haveBegun = async (...paths: string[]): Promise<void> => {
    await until(`the begin of ${paths.join()}`, () => begun.length >= paths.length);
    expect(begun).toEqual(paths);
  };
  const answer = async (path: string): Promise<void> => {
    await until(`the begin of ${path}`, () => ends.has(path));
    ends.get(path)?.();
    await until(`the answer of ${path}`, () => heard.includes(`answer of ${path}.`));
  };

  test('one that changes something waits for all before it, and all behind it wait for it', async () => {
    send(get('/1'), get('/2'), post('/3'), get('/4'), get('/5'), post('/6'), post('/7'));
    await haveBegun('/1', '/2');
    await answer('/1');
    expect(begun).toHaveLength(2);
    await answer('/2');
    await haveBegun('/1', '/2', '/3');
    await answer('/3');
    await haveBegun('/1', '/2', '/3', '/4', '/5');
    await answer('/4');
    await answer('/5');
    await haveBegun('/1', '/2', '/3', '/4', '/5', '/6');
    await answer('/6');
    await answer('/7');
  });

  test('those of other connections wait for nobody', async () => {
    send(post('/1'));
    await haveBegun('/1');
    const other = dial();
    other.write(post('/2'));
    await haveBegun('/1', '/2');
    other.destroy();
  });

  test('what waits is never begun when the client goes away', async () => {
    send(post('/1'), post('/2'));
    await haveBegun('/1');
    client.destroy();
    await until('the end of the connection', async () => (await connectionsOf(app)) === 0);
    ends.get('/1')?.();
    const other = dial();
    other.write(get('/3'));
    await haveBegun('/1', '/3');
    other.destroy();
  });

  test('what stands behind an answer that is the last of its connection is not begun', async () => {
    const closed = once(client, 'close');
    send(post('/last'), post('/2'));
    await answer('/last');
    await within('the end', closed);
    expect(begun).toEqual(['/last']);
  });

  test('the body of one that waits has all its time when its turn comes', async () => {
    send(post('/1'), post('/2', 'x'.repeat(200_000)).slice(0, -1));
    await haveBegun('/1');
    time.advance(60 * SECOND);
    await answer('/1');
    send('x');
    await answer('/2');
    send(post('/3', 'xy').slice(0, -1));
    await until('the deadline of the body', () => time.pending === 1);
    time.advance(30 * SECOND);
    await until('its refusal', () => heard.includes('HTTP/1.1 408'));
  });

  test('only so many wait, and the others are refused', async () => {
    send(post('/first'), ...Array.from({ length: 103 }, (_, index) => post(`/${index}`)));
    await haveBegun('/first');
    for (const path of ['/first', ...Array.from({ length: 100 }, (_, index) => `/${index}`)]) await answer(path);
    await until('the refusals', () => heard.split('HTTP/1.1 429').length === 4);
    expect(heard).toContain('"code":"RATE_LIMITED"');
    expect(begun).toHaveLength(101);
  });
});

function connectionsOf({ server }: FastifyInstance): Promise<number> {
  return new Promise((resolve) => server.getConnections((_error, count) => resolve(count)));
}

describeWith('postgres')('a change and a question behind it, in one go', () => {
  const files = temporaryFolder();
  let plant: Plant;
  let gateway: GatewayProcess;
  let authorized: string;

  beforeAll(async () => {
    plant = await freshPlant();
    gateway = await startGateway({ MES_DATABASE_URL: plant.url, FILES_DIR: files });
    authorized = `Authorization: Bearer ${await tokenFor({ role: 'operator' })}\r\n`;
  });
  afterAll(async () => {
    await gateway.stop();
    removeFolder(files);
  });

  const LAST = 'Connection: close\r\n';
  const send = (...requests: string[]) => within('the end', sendRaw(gateway, requests.join('')));

  test('PUT and GET of one file', async () => {
    for (let round = 0; round < 5; round += 1) {
      const [path, solid] = ['/files/ring.stl', `solid ${round}\nendsolid\n`];
      const said = await send(request('PUT', path, solid, authorized), get(path, authorized + LAST));
      expect(said.match(/HTTP\/1\.1 \d+/g)).toEqual([round === 0 ? 'HTTP/1.1 201' : 'HTTP/1.1 204', 'HTTP/1.1 200']);
      expect(said.endsWith(`\r\n\r\n${solid}`)).toBe(true);
    }
  });

  const upgrade = (method: string, path: string) =>
    `${method} ${path} HTTP/1.1\r\n${HOST}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`;

  test.each([
    ['an upgrade', upgrade('GET', '/graphql')],
    ['an upgrade that is refused', upgrade('GET', '/healthz')],
    ['an upgrade by POST', upgrade('POST', '/graphql')],
    ['another offer', `GET /healthz HTTP/1.1\r\n${HOST}Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n`],
    ['no HTTP', 'what is this\r\n\r\n'],
  ])('what cannot wait for an answer ends its connection, and is no answer itself: %s', async (_name, behind) => {
    for (const first of [
      get('/files/none.stl', authorized),
      request('PUT', '/files/cut.stl', 'solid x\nendsolid\n', authorized),
    ]) {
      expect(await send(first, behind)).toBe('');
    }
    expect((await gateway.get('/healthz')).status).toBe(200);
  });

  test('a mutation and a query of one order', async () => {
    const [order] = await plant.insert({ status: 'SUBMITTED' });
    const ask = (query: string, last = '') =>
      post('/graphql', JSON.stringify({ query }), `${authorized}Content-Type: application/json\r\n${last}`);
    const query = `{ order(id: "${order!.id}") { status } }`;
    for (const status of ['PACKAGING', 'SHIPPED', 'CLOSED']) {
      await send(ask(query, LAST));
      const change = `mutation { updateOrderStatus(id: "${order!.id}", status: ${status}) { version } }`;
      const said = await send(ask(change), ask(query, LAST));
      expect(said).toContain(`{"data":{"order":{"status":"${status}"}}}`);
    }
  });
});
