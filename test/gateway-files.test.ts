import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { encodeFilePath } from '../src/files/path.js';
import { MIB } from '../src/units.js';
import { startGateway, type GatewayProcess } from './support/gateway.js';
import { freshPlant } from './support/plant.js';
import { tokenFor } from './support/tokens.js';
import { errorOf, GraphqlClient } from './support/graphql-client.js';
import { s3Client, s3Environment } from './support/servers/s3.js';
import { describeWith, sharedS3 } from './support/servers/shared.js';
import { removeFolder, temporaryFolder } from './support/servers/temporary.js';

/** A store of files as somebody else runs it: how to write into it, and the gateway's settings for it. */
interface Store {
  env: Record<string, string>;
  put(path: string, bytes: Buffer): Promise<void>;
  close(): void;
}

function folder(): Promise<Store> {
  const root = temporaryFolder();
  const put = async (path: string, bytes: Buffer): Promise<void> => {
    mkdirSync(join(root, dirname(path)), { recursive: true });
    writeFileSync(join(root, path), bytes);
  };
  return Promise.resolve({ env: { FILES_DIR: root }, put, close: () => removeFolder(root) });
}

async function s3(): Promise<Store> {
  const shared = sharedS3();
  const bucket = await shared.newBucket();
  const client = s3Client(shared);
  const put = async (path: string, Body: Buffer): Promise<void> => {
    await client.send(new PutObjectCommand({ Bucket: bucket, Key: path, Body }));
  };
  return { env: s3Environment(shared, bucket), put, close: () => client.destroy() };
}

const RING = Buffer.from('solid ring\nendsolid ring\n');
/** Not cached inline: over 256 KiB. */
const LARGE = Buffer.from(Uint8Array.from({ length: 3 * MIB }, (_, index) => (index * 7919) >>> 8));
const AWKWARD = [
  'with space.stl',
  'кольцо/№ 17.stl',
  'a+b.stl',
  '100%.stl',
  '%2e%2e%2f.stl',
  'a#b.stl',
  'a?b=c.stl',
  "a&b'(1)!*;,@=$.stl",
];

const FILE = `query ($path: String!) {
  file(path: $path) { path name size contentType etag lastModified url byStore: url(delivery: STORE) }
}`;

interface FileNode {
  path: string;
  name: string;
  size: number;
  contentType: string;
  etag: string;
  lastModified: string;
  url: string;
  byStore: string;
}

describeWith('postgres')('files of a folder', () => filesOf(folder));
describeWith('postgres', 's3')('files of S3', () => filesOf(s3));

function filesOf(open: () => Promise<Store>): void {
  let store: Store;
  let gateway: GatewayProcess;
  let token: string;
  let operator: GraphqlClient;

  beforeAll(async () => {
    const [opened, plant] = await Promise.all([open(), freshPlant()]);
    store = opened;
    gateway = await startGateway({ MES_DATABASE_URL: plant.url, ...store.env });
    token = await tokenFor({ role: 'operator' });
    operator = new GraphqlClient(gateway, { token });
    const paths = ['models/ring-17.stl', 'empty.stl', ...AWKWARD];
    await Promise.all(paths.map((path) => store.put(path, path === 'empty.stl' ? Buffer.alloc(0) : RING)));
    await store.put('models/large.bin', LARGE);
  });

  afterAll(async () => {
    await gateway.stop();
    store.close();
  });

  const file = async (path: string): Promise<FileNode> => {
    const { file: found } = await operator.ask<{ file: FileNode | null }>(FILE, { path });
    if (!found) throw new Error(`no such file: ${path}`);
    return found;
  };

  const fetchFile = (path: string, init: RequestInit & { headers?: Record<string, string> } = {}): Promise<Response> =>
    gateway.get(`/files/${encodeFilePath(path)}`, { token, ...init });

  test('metadata', async () => {
    const found = await file('models/ring-17.stl');
    expect(found).toMatchObject({
      path: 'models/ring-17.stl',
      name: 'ring-17.stl',
      size: RING.length,
      contentType: 'model/stl',
    });
    expect(found.etag).toMatch(/^"[^"]+"$/);
    expect(Math.abs(Date.parse(found.lastModified) - Date.now())).toBeLessThan(60_000);
    expect(await operator.ask(FILE, { path: 'models/none.stl' })).toEqual({ file: null });
  });

  test('both kinds of URL give the bytes to whoever has them', async () => {
    const { url, byStore } = await file('models/ring-17.stl');
    expect(url.startsWith(`${gateway.url}/files/models/ring-17.stl?expires=`)).toBe(true);
    expect(byStore.startsWith(store.env['S3_ENDPOINT'] ?? gateway.url)).toBe(true);
    for (const each of [url, byStore]) {
      const response = await fetch(each);
      expect({ status: response.status, body: await response.text() }).toEqual({ status: 200, body: RING.toString() });
    }
  });

  test.each(AWKWARD)('the key %s comes through every way', async (path) => {
    const { name, url, byStore } = await file(path);
    expect(name).toBe(path.split('/').at(-1));
    for (const response of [await fetch(url), await fetch(byStore), await fetchFile(path)]) {
      expect({ status: response.status, body: await response.text() }).toEqual({ status: 200, body: RING.toString() });
    }
  });

  test('GET, HEAD, a range, a part that is unchanged, by token and by signed URL', async () => {
    const { url, etag } = await file('models/ring-17.stl');
    const byToken = (init: RequestInit & { headers?: Record<string, string> }): Promise<Response> =>
      fetchFile('models/ring-17.stl', init);
    for (const ask of [byToken, (init: RequestInit) => fetch(url, init)]) {
      const whole = await ask({});
      expect(whole.headers.get('etag')).toBe(etag);
      expect(whole.headers.get('content-type')).toBe('model/stl');
      expect(whole.headers.get('content-disposition')).toContain('ring-17.stl');
      expect(whole.headers.get('cache-status')).toMatch(/^mes-gateway; (hit|fwd=miss)/);
      expect(await whole.text()).toBe(RING.toString());

      const head = await ask({ method: 'HEAD' });
      expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, String(RING.length), '']);

      const part = await ask({ headers: { range: 'bytes=6-9' } });
      expect([part.status, part.headers.get('content-range'), await part.text()]).toEqual([
        206,
        `bytes 6-9/${RING.length}`,
        'ring',
      ]);

      const unchanged = await ask({ headers: { 'if-none-match': etag } });
      expect([unchanged.status, await unchanged.text()]).toEqual([304, '']);

      const beyond = await ask({ headers: { range: 'bytes=1000-' } });
      expect([beyond.status, beyond.headers.get('content-range')]).toEqual([416, `bytes */${RING.length}`]);

      const stale = await ask({ headers: { range: 'bytes=6-9', 'if-range': '"another"' } });
      expect([stale.status, await stale.text()]).toEqual([200, RING.toString()]);
    }
  });

  test('an empty file', async () => {
    const response = await fetchFile('empty.stl');
    expect([response.status, response.headers.get('content-length'), await response.text()]).toEqual([200, '0', '']);
  });

  test('a large file is streamed whole, and in parts from anywhere', async () => {
    const { url, size } = await file('models/large.bin');
    expect(size).toBe(LARGE.length);
    const whole = Buffer.from(await (await fetch(url)).arrayBuffer());
    const sha = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
    expect(sha(whole)).toBe(sha(LARGE));
    const tail = await fetch(url, { headers: { range: 'bytes=-1000' } });
    expect(tail.status).toBe(206);
    expect(Buffer.from(await tail.arrayBuffer()).equals(LARGE.subarray(-1000))).toBe(true);
  });

  test.each<[name: string, forge: (url: URL) => void]>([
    ['another path', (url) => (url.pathname = '/files/a+b.stl')],
    ['a later expiry', (url) => url.searchParams.set('expires', String(Number(url.searchParams.get('expires')) + 1))],
    ['another scope', (url) => url.searchParams.set('scope', 'partner:partner-a')],
    ['another signature', (url) => url.searchParams.set('signature', 'A'.repeat(43))],
    ['an empty signature', (url) => url.searchParams.set('signature', '')],
    ['no expiry', (url) => url.searchParams.delete('expires')],
    ['two expiries', (url) => url.searchParams.append('expires', '9999999999')],
  ])('a signed URL with %s opens nothing, not even with a token besides', async (_name, forge) => {
    const url = new URL((await file('models/ring-17.stl')).url);
    forge(url);
    for (const headers of [undefined, { authorization: `Bearer ${token}` }]) {
      const response = await fetch(url, { ...(headers && { headers }) });
      expect({ status: response.status, body: await response.json() }).toEqual({
        status: 401,
        body: { error: { code: 'UNAUTHENTICATED', message: 'The signature does not belong to this URL.' } },
      });
    }
  });

  test('a URL expires', async () => {
    const query = '{ file(path: "models/ring-17.stl") { url(expiresIn: 1) } }';
    const { file: found } = await operator.ask<{ file: { url: string } }>(query);
    let response = await fetch(found.url);
    const deadline = Date.now() + 10_000;
    while (response.ok && Date.now() < deadline) response = await fetch(found.url);
    expect({ status: response.status, body: await response.json() }).toEqual({
      status: 401,
      body: { error: { code: 'UNAUTHENTICATED', message: 'This URL has expired; ask for a new one.' } },
    });
  });

  test.each([0, -1, 604_801])('expiresIn: %d is refused', async (expiresIn) => {
    for (const delivery of ['GATEWAY', 'STORE']) {
      const query = `{ file(path: "models/ring-17.stl") { url(delivery: ${delivery}, expiresIn: ${expiresIn}) } }`;
      const message = expect.stringContaining('expiresIn must be a whole number of seconds from 1 to 604800');
      expect(errorOf(await operator.send(query))).toMatchObject({ code: 'BAD_USER_INPUT', message });
    }
  });

  test.each(['operator', 'service'])('fileChanged by a %s makes new bytes visible at once', async (role) => {
    const caller = new GraphqlClient(gateway, { token: await tokenFor({ role }) });
    const path = `changing-${role}.stl`;
    for (const text of ['first', 'second', 'third, which is longer']) {
      await store.put(path, Buffer.from(text));
      const { fileChanged } = await caller.ask<{ fileChanged: { size: number } }>(
        'mutation ($path: String!) { fileChanged(path: $path) { size } }',
        { path },
      );
      expect(fileChanged.size).toBe(text.length);
      expect(await (await fetchFile(path)).text()).toBe(text);
    }
  });

  test('fileChanged is not for partners', async () => {
    const partner = new GraphqlClient(gateway, { token: await tokenFor({ role: 'partner', partnerId: 'partner-a' }) });
    const answer = await partner.send('mutation { fileChanged(path: "models/ring-17.stl") { size } }');
    expect(errorOf(answer)).toMatchObject({ code: 'FORBIDDEN' });
  });
}
