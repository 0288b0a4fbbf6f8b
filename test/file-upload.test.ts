import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { request, type ClientRequest, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { join } from 'node:path';
import { encodeFilePath } from '../src/files/path.js';
import { MIB } from '../src/units.js';
import { startGateway, type GatewayProcess } from './support/gateway.js';
import { GraphqlClient } from './support/graphql-client.js';
import { sendRaw } from './support/gateway-requests.js';
import { freshPlant } from './support/plant.js';
import { until } from './support/race.js';
import { s3Environment } from './support/servers/s3.js';
import { describeWith, sharedS3 } from './support/servers/shared.js';
import { removeFolder, temporaryFolder } from './support/servers/temporary.js';
import { tokenFor } from './support/tokens.js';

const RING = Buffer.from('solid ring\nendsolid ring\n');
const NUT = Buffer.from('solid a nut\nendsolid a nut\n');
const MOST = 24 * MIB;

interface Store {
  readonly env: Record<string, string>;
  /** Files that are neither there nor gone. */
  leftovers(): string[];
  close(): void;
}

describeWith('postgres')('uploads to a folder', () => {
  uploadsTo(() => {
    const root = temporaryFolder();
    const leftovers = () =>
      readdirSync(root, { recursive: true, withFileTypes: true })
        .filter(
          (each) =>
            each.isFile() &&
            join(each.parentPath, each.name)
              .slice(root.length + 1)
              .startsWith('.'),
        )
        .map(({ name }) => name);
    return Promise.resolve({ env: { FILES_DIR: root }, leftovers, close: () => removeFolder(root) });
  });
});
describeWith('postgres', 's3')('uploads to S3', () => {
  uploadsTo(async () => {
    const s3 = sharedS3();
    return { env: s3Environment(s3, await s3.newBucket()), leftovers: () => [], close: () => undefined };
  });
});

function uploadsTo(open: () => Promise<Store>): void {
  let store: Store;
  let gateway: GatewayProcess;
  let service: string;
  let operator: string;

  beforeAll(async () => {
    const [opened, plant] = await Promise.all([open(), freshPlant()]);
    store = opened;
    const CORS_ORIGINS = 'https://portal.example.com';
    gateway = await startGateway({
      ...store.env,
      CORS_ORIGINS,
      MES_DATABASE_URL: plant.url,
      FILE_UPLOAD_MAX_BYTES: String(MOST),
    });
    [service, operator] = await Promise.all([tokenFor({ role: 'service' }), tokenFor({ role: 'operator' })]);
  });
  afterAll(async () => {
    await gateway.stop();
    store.close();
  });

  const put = (path: string, body: Buffer | string, headers: Record<string, string> = {}, token: string | undefined = service) =>
    gateway.get(`/files/${encodeFilePath(path)}`, { method: 'PUT', body: body as BodyInit, headers, token });
  const get = async (path: string) => {
    const response = await gateway.get(`/files/${encodeFilePath(path)}`, { token: operator });
    return response.ok ? Buffer.from(await response.arrayBuffer()) : response.status;
  };
  const refusal = async (response: Response) => ({
    status: response.status,
    ...((await response.json()) as { error: { code: string; message: string } }).error,
  });
  const fresh = (name = 'ring.stl') => `up/${randomUUID()}/${name}`;

  test.each(['ring.stl', 'кольцо № 17 100%.stl', 'a+b#c?.stl'])('a new file, then another version of it: %s', async (name) => {
    const path = fresh(name);
    expect(await get(path)).toBe(404);
    const created = await put(path, RING);
    expect([created.status, created.headers.get('location'), await created.text()]).toEqual([
      201,
      `/files/${encodeFilePath(path)}`,
      '',
    ]);
    expect(await get(path)).toEqual(RING);
    const replaced = await put(path, NUT, {}, operator);
    expect([replaced.status, replaced.headers.get('location')]).toEqual([204, null]);
    const read = await gateway.get(`/files/${encodeFilePath(path)}`, { method: 'HEAD', token: operator });
    expect(replaced.headers.get('etag')).toBe(read.headers.get('etag'));
    expect(replaced.headers.get('last-modified')).toBe(read.headers.get('last-modified'));
    expect(read.headers.get('content-type')).toBe('model/stl');
    expect(await get(path)).toEqual(NUT);
  });

  test('a large file arrives as it was sent, an empty one too', async () => {
    const large = randomBytes(12 * MIB);
    const path = fresh('large.bin');
    expect(await put(path, large)).toMatchObject({ status: 201 });
    expect(large.equals((await get(path)) as Buffer)).toBe(true);
    expect(await put(path, '')).toMatchObject({ status: 204 });
    expect(await get(path)).toEqual(Buffer.alloc(0));
  });

  test('conditions', async () => {
    const path = fresh();
    const failed = { status: 412, code: 'CONFLICT', message: 'The file is not what the upload was made for.' };
    for (const headers of [{ 'if-match': '*' }, { 'if-match': '"v1"' }])
      expect(await refusal(await put(path, RING, headers))).toEqual(failed);
    expect(await put(path, RING, { 'if-none-match': '*' })).toMatchObject({ status: 201 });
    expect(await refusal(await put(path, NUT, { 'if-none-match': '*' }))).toEqual(failed);
    const etag = (await put(path, RING)).headers.get('etag')!;
    for (const headers of [{ 'if-match': '"v1"' }, { 'if-match': `W/${etag}` }, { 'if-none-match': `"v1", ${etag}` }]) {
      expect(await refusal(await put(path, NUT, headers))).toEqual(failed);
    }
    expect(await get(path)).toEqual(RING);
    const second = await put(path, NUT, { 'if-match': `"v1", ${etag}` });
    expect(second.status).toBe(204);
    expect(await get(path)).toEqual(NUT);
    const past = 'Sun, 06 Nov 1994 08:49:37 GMT';
    expect(await refusal(await put(path, RING, { 'if-unmodified-since': past }))).toEqual(failed);
    expect(await put(path, RING, { 'if-modified-since': new Date().toUTCString(), 'if-none-match': '"v1"' })).toMatchObject({
      status: 204,
    });
  });

  test('of many uploads on one condition, one is made', async () => {
    const path = fresh();
    const bodies = Array.from({ length: 6 }, (_, index) => `solid ${index}\nendsolid\n`);
    const answers = await Promise.all(bodies.map((body) => put(path, body, { 'if-none-match': '*' })));
    const made = answers.flatMap(({ status }, index) => (status === 201 ? [bodies[index]] : []));
    expect(made).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 412)).toHaveLength(5);
    expect(String(await get(path))).toBe(made[0]);
  });

  test('of many uploads at once one makes the file, and the others replace it', async () => {
    const path = fresh();
    const answers = await Promise.all([...Array(6).keys()].map((index) => put(path, `solid ${index}\nendsolid\n`)));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 204, 204, 204, 204, 204]);
  });

  test('nobody else may, a signed URL neither', async () => {
    const path = fresh();
    await put(path, RING);
    const partner = await tokenFor({ role: 'partner', partnerId: 'partner-a' });
    expect(await refusal(await put(path, NUT, {}, partner))).toMatchObject({ status: 403, code: 'FORBIDDEN' });
    expect(await refusal(await put(path, NUT, {}, ''))).toMatchObject({ status: 401 });
    const asked = await new GraphqlClient(gateway, { token: operator }).ask<{ file: { url: string } }>(
      'query ($path: String!) { file(path: $path) { url } }',
      { path },
    );
    expect(await refusal(await fetch(asked.file.url, { method: 'PUT', body: NUT }))).toMatchObject({
      status: 401,
      code: 'UNAUTHENTICATED',
    });
    const signed = { authorization: `Bearer ${partner}` };
    expect(await refusal(await fetch(asked.file.url, { method: 'PUT', body: NUT, headers: signed }))).toMatchObject({
      status: 403,
    });
    expect(await get(path)).toEqual(RING);
  });

  test.each<[what: string, path: string, headers: Record<string, string>, status: number, says: string]>([
    ['a document that runs', 'x.txt', {}, 415, 'looks like an HTML page'],
    ['a name that runs', 'x.svg', {}, 415, 'Files whose names end in ".svg" are not taken'],
    ['another format', 'x.step', {}, 415, 'must be a STEP model, but it looks like text'],
    ['a part', 'x.stl', { 'content-range': 'bytes 0-1/10' }, 400, 'A part of a file cannot be uploaded'],
    ['something packed', 'x.stl', { 'content-encoding': 'gzip' }, 415, 'without "Content-Encoding"'],
    ['a path that is none', 'a/../b.stl', {}, 400, 'must not contain "." or ".."'],
  ])('%s is refused, and nothing kept', async (what, path, headers, status, says) => {
    const target = `/files/${encodeURIComponent(path)}`;
    const body = what === 'a document that runs' ? '<html><script>' : 'a text';
    const response = await gateway.get(target, { method: 'PUT', body, headers, token: service });
    expect(await refusal(response)).toMatchObject({
      status,
      code: 'BAD_USER_INPUT',
      message: expect.stringContaining(says) as string,
    });
    expect(await get('x.step')).toBe(404);
    expect(store.leftovers()).toEqual([]);
  });

  /** An upload by hand: its head, as soon as it is sent. */
  const begin = (path: string, headers: Record<string, string | number>): ClientRequest => {
    const url = `${gateway.url}/files/${encodeFilePath(path)}`;
    const sent = request(url, { method: 'PUT', agent: false, headers: { authorization: `Bearer ${service}`, ...headers } });
    sent.on('error', () => undefined).flushHeaders();
    return sent;
  };
  const answerTo = async (sent: ClientRequest) => {
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    return { status: response.statusCode, body: await text(response), connection: response.headers.connection };
  };

  test('a length must be given, and not be too large; nobody waits for the body then', async () => {
    const chunked = begin(fresh(), { 'transfer-encoding': 'chunked' });
    expect(await answerTo(chunked)).toMatchObject({
      status: 411,
      body: expect.stringContaining('must say how long the file is') as string,
    });
    const large = begin(fresh(), { 'content-length': MOST + 1 });
    const says: unknown = expect.stringContaining(`at most ${MOST} bytes, but has: ${MOST + 1}.`);
    expect(await answerTo(large)).toMatchObject({ status: 413, body: says });
    for (const sent of [chunked, large]) sent.destroy();
  });

  test('a client that sends on after it was refused sees the answer, and can go on', async () => {
    const path = fresh('wrong.png');
    const raw = `PUT /files/${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${service}\r\nContent-Length: ${4 * MIB}\r\n\r\n`;
    const next = `GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`;
    const answers = await sendRaw(gateway, raw + 'x'.repeat(4 * MIB) + next);
    expect(answers.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 415', 'HTTP/1.1 200']);
  });

  test('a client that asks first is told to go on only if its upload will be read', async () => {
    const expect100 = { expect: '100-continue', 'content-length': RING.length };
    const path = fresh();
    const good = begin(path, expect100);
    await once(good, 'continue');
    good.end(RING);
    expect(await answerTo(good)).toMatchObject({ status: 201 });

    const told: string[] = [];
    for (const [status, headers] of [
      [401, { ...expect100, authorization: 'Bearer x' }],
      [403, { ...expect100, authorization: `Bearer ${await tokenFor({ role: 'partner', partnerId: 'partner-a' })}` }],
      [412, { ...expect100, 'if-none-match': '*' }],
      [413, { ...expect100, 'content-length': MOST + 1 }],
    ] as const) {
      const sent = begin(path, headers).on('continue', () => told.push('continue'));
      expect(await answerTo(sent)).toMatchObject({ status });
      sent.destroy();
    }
    expect(told).toEqual([]);
    const graphql = request(`${gateway.url}/graphql`, {
      method: 'POST',
      headers: { ...expect100, 'content-type': 'application/json', 'content-length': 2 },
    });
    graphql.flushHeaders();
    await once(graphql, 'continue');
    graphql.end('{}');
    expect(await answerTo(graphql)).toMatchObject({ status: 400 });
  });

  test('a client that breaks off leaves the file as it was', async () => {
    const path = fresh('ring.bin');
    await put(path, RING);
    const sent = begin(path, { 'content-length': 8 * MIB });
    await new Promise<void>((written) => sent.write(Buffer.alloc(6 * MIB), () => written()));
    if (store.env['FILES_DIR']) await until('the upload has begun', () => store.leftovers().length > 0);
    sent.destroy();
    await until('the upload has ended', () =>
      gateway
        .output()
        .split('\n')
        .some((line) => line.includes('"PUT"') && line.includes(path)),
    );
    expect(await get(path)).toEqual(RING);
    await until('what was sent is gone', () => store.leftovers().length === 0);
  });

  test('memory does not grow with the file', async () => {
    const rss = async () =>
      Number(/^process_resident_memory_bytes (\S+)/m.exec(await (await gateway.get('/metrics')).text())?.[1]);
    await put(fresh('a.bin'), Buffer.alloc(MOST));
    const before = await rss();
    const bodies = Array.from({ length: 8 }, () => put(fresh('a.bin'), Buffer.alloc(MOST, 1)));
    for (const response of await Promise.all(bodies)) expect(response.status).toBe(201);
    expect((await rss()) - before).toBeLessThan(8 * MOST * 0.5);
  });

  test('a page of the portal may upload', async () => {
    const origin = 'https://portal.example.com';
    const asked = {
      origin,
      'access-control-request-method': 'PUT',
      'access-control-request-headers': 'authorization,if-match,content-type',
    };
    const preflight = await gateway.get('/files/a.stl', { method: 'OPTIONS', headers: asked });
    expect(preflight.headers.get('access-control-allow-methods')).toContain('PUT');
    expect(preflight.headers.get('access-control-allow-headers')).toContain('if-match');
    const response = await put(fresh(), RING, { origin });
    expect(response.headers.get('access-control-expose-headers')).toContain('etag');
    expect(response.headers.get('access-control-allow-origin')).toBe(origin);
  });
}
