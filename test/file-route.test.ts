import { Readable } from 'node:stream';
import Fastify, { type FastifyInstance, type LightMyRequestResponse } from 'fastify';
import { GatewayError, sourceUnavailable } from '../src/errors.js';
import { FileChangedError, type FileMetadata, type OpenOptions } from '../src/files/file.js';
import { encodeFilePath } from '../src/files/path.js';
import { filesRoute, type FileRead, type FilesRouteDeps, type FileStream } from '../src/http/files-route.js';
import { sendError } from '../src/http/http-error.js';

const path = 'модели/кольцо 17%.stl';
const url = `/files/${encodeFilePath(path)}`;
const bytes = Buffer.from('0123456789');
const modified = 'Thu, 24 Jul 2025 15:00:00 GMT';

const version = (etag: string): FileMetadata => ({
  path,
  size: bytes.length,
  contentType: 'model/stl',
  etag,
  lastModified: Date.parse(modified),
});

/** A store with one large file, and a cache in front of it that knows `cached` of it. */
class Files implements FilesRouteDeps {
  stored = version('"v1"');
  cached: FileRead = { metadata: this.stored, outcome: 'hit-memory', ttl: 42 };
  refusal: GatewayError | undefined;
  readonly opens: OpenOptions[] = [];
  readonly renewed: string[] = [];

  authorise = (): Promise<void> => (this.refusal ? Promise.reject(this.refusal) : Promise.resolve());

  readFile = (asked: string): Promise<FileRead | null> => Promise.resolve(asked === path ? this.cached : null);

  openFile = (file: FileMetadata, options: OpenOptions): Promise<FileStream> => {
    this.opens.push({ ...options, ifMatch: file.etag });
    if (file.etag !== this.stored.etag) return Promise.reject(new FileChangedError());
    const { start, end } = options.range ?? { start: 0, end: bytes.length - 1 };
    const body = Readable.from([...bytes.subarray(start, end + 1)].map((byte) => Buffer.of(byte)));
    return Promise.resolve({ metadata: this.stored, body, outcome: 'streamed' });
  };

  servedInline = (): void => undefined;

  fileChanged = (asked: string): Promise<void> => {
    this.renewed.push(asked);
    this.cached = { metadata: this.stored, outcome: 'filled' };
    return Promise.resolve();
  };
}

let files: Files;
let app: FastifyInstance;

beforeEach(async () => {
  files = new Files();
  app = Fastify({ frameworkErrors: sendError });
  app.register(filesRoute, files);
  await app.ready();
});

afterEach(() => app.close());

const get = (headers: Record<string, string> = {}): Promise<LightMyRequestResponse> => app.inject({ url, headers });

test('a file is sent whole, with all that a client needs to keep, resume and name it', async () => {
  const response = await get();
  expect(response.statusCode).toBe(200);
  expect(response.body).toBe('0123456789');
  expect(response.headers).toMatchObject({
    'accept-ranges': 'bytes',
    'cache-control': 'private, no-cache',
    'content-disposition': `attachment; filename="______ 17_.stl"; filename*=UTF-8''${encodeURIComponent('кольцо 17%.stl')}`,
    'content-length': '10',
    'content-type': 'model/stl',
    etag: '"v1"',
    'last-modified': modified,
    'x-content-type-options': 'nosniff',
    'cache-status': 'mes-gateway; fwd=miss; detail=streamed',
  });
  expect(files.opens).toMatchObject([{ ifMatch: '"v1"' }]);
});

describe.each(['from the entry', 'from the store'])('%s', (place) => {
  beforeEach(() => {
    if (place === 'from the entry') files.cached = { ...files.cached, bytes };
  });

  test('a range', async () => {
    const response = await get({ range: 'bytes=2-4' });
    expect(response.statusCode).toBe(206);
    expect(response.body).toBe('234');
    expect(response.headers).toMatchObject({ 'content-range': 'bytes 2-4/10', 'content-length': '3', etag: '"v1"' });
    expect((await get({ range: 'bytes=-3' })).body).toBe('789');
  });

  test('a range only while the file is the version it was meant for', async () => {
    expect(await get({ range: 'bytes=2-4', 'if-range': '"v1"' })).toMatchObject({ statusCode: 206 });
    expect(await get({ range: 'bytes=2-4', 'if-range': modified })).toMatchObject({ statusCode: 206 });
    expect(await get({ range: 'bytes=2-4', 'if-range': '"v0"' })).toMatchObject({ statusCode: 200, body: '0123456789' });
  });

  test('several ranges are answered whole', async () => {
    expect(await get({ range: 'bytes=0-1,4-5' })).toMatchObject({ statusCode: 200, body: '0123456789' });
  });
});

test('a small file is sent from the entry', async () => {
  files.cached = { ...files.cached, bytes };
  const response = await get();
  expect(response.body).toBe('0123456789');
  expect(response.headers).toMatchObject({
    'cache-status': 'mes-gateway; hit; ttl=42; detail=hit-memory',
    'content-length': '10',
  });
  expect(files.opens).toEqual([]);
});

test('HEAD is GET without the bytes, and never opens the file', async () => {
  const whole = await get();
  const head = await app.inject({ method: 'HEAD', url, headers: { range: 'bytes=0-1' } });
  expect(head.statusCode).toBe(200);
  expect(head.body).toBe('');
  const ofFile = [
    'content-length',
    'content-type',
    'content-disposition',
    'etag',
    'last-modified',
    'accept-ranges',
    'cache-control',
  ];
  for (const name of ofFile) expect(head.headers[name]).toBe(whole.headers[name]);
  expect(head.headers['cache-status']).toBe('mes-gateway; hit; ttl=42; detail=hit-memory');
  expect(files.opens).toHaveLength(1);
});

test('an unchanged file is not sent again', async () => {
  for (const headers of [{ 'if-none-match': 'W/"v1"' }, { 'if-modified-since': modified }]) {
    const response = await get(headers);
    expect(response).toMatchObject({ statusCode: 304, body: '' });
    expect(response.headers).toMatchObject({ etag: '"v1"', 'cache-control': 'private, no-cache' });
    expect(response.headers).not.toHaveProperty('content-length');
    expect(response.headers).not.toHaveProperty('content-type');
  }
  expect(files.opens).toEqual([]);
});

test('refusals say what was wrong', async () => {
  const range = await get({ range: 'bytes=10-' });
  expect(range.statusCode).toBe(416);
  expect(range.headers['content-range']).toBe('bytes */10');
  expect(range.json()).toEqual({ error: { code: 'BAD_USER_INPUT', message: 'The range must begin inside the file.' } });
  const match = await get({ 'if-match': '"v0"' });
  expect(match.statusCode).toBe(412);
  expect(match.json()).toHaveProperty('error.code', 'CONFLICT');
  const absent = await app.inject('/files/none.stl');
  expect(absent.statusCode).toBe(404);
  expect(absent.json()).toEqual({ error: { code: 'NOT_FOUND', message: 'There is no such file.' } });
});

test.each(['/files/%2e%2e%2f%2e%2e%2fetc%2fpasswd', '/files/..%5cetc', '/files/a%00b', '/files/a%ff', '/files/%zz', '/files/'])(
  'a path that is none is refused before anything else: %s',
  async (target) => {
    files.refusal = new GatewayError('UNAUTHENTICATED', 'no');
    const response = await app.inject(target);
    expect(response.statusCode).toBe(400);
    expect(response.json()).toHaveProperty('error.code', 'BAD_USER_INPUT');
  },
);

test.each([
  ['UNAUTHENTICATED', 401, { 'www-authenticate': 'Bearer' }],
  ['FORBIDDEN', 403, {}],
  ['NOT_FOUND', 404, {}],
  ['SOURCE_UNAVAILABLE', 503, { 'retry-after': '1' }],
] as const)('%s is answered with %i and nothing of the file', async (code, status, headers) => {
  files.refusal = new GatewayError(code, 'The reason.');
  const response = await get();
  expect(response.statusCode).toBe(status);
  expect(response.headers).toMatchObject(headers);
  expect(response.json()).toEqual({ error: { code, message: 'The reason.' } });
  expect(response.headers).not.toHaveProperty('etag');
});

test('a file that was replaced behind the cache is read anew', async () => {
  files.stored = version('"v2"');
  const response = await get({ 'if-none-match': '"v0"' });
  expect(response).toMatchObject({ statusCode: 200, body: '0123456789' });
  expect(response.headers.etag).toBe('"v2"');
  expect(files.renewed).toEqual([path]);
});

test('a file that keeps changing is an outage, not a loop', async () => {
  files.openFile = () => Promise.reject(new FileChangedError());
  expect(await get()).toMatchObject({ statusCode: 503 });
  expect(files.renewed).toHaveLength(1);
});

test.each([
  ['before it opens', () => Promise.reject(sourceUnavailable('file store', new Error('10.0.0.7 refused')))],
  [
    'before its first byte',
    () =>
      Promise.resolve({
        metadata: version('"v1"'),
        body: new Readable({ read: () => undefined }).destroy(new Error('10.0.0.7 reset')),
        outcome: 'streamed',
      }),
  ],
  [
    'with too few bytes at once',
    () => Promise.resolve({ metadata: version('"v1"'), body: Readable.from([]), outcome: 'streamed' }),
  ],
])('a store that fails %s is an outage, and gives nothing away', async (_moment, open) => {
  files.openFile = open;
  const response = await get({ range: 'bytes=0-3' });
  expect(response.statusCode).toBe(503);
  expect(response.body).not.toContain('10.0.0.7');
  expect(response.json()).toHaveProperty('error.code', 'SOURCE_UNAVAILABLE');
  for (const name of ['etag', 'content-range', 'content-disposition']) expect(response.headers).not.toHaveProperty(name);
  expect(Number(response.headers['content-length'])).toBe(Buffer.byteLength(response.body));
});

test('an unforeseen error is bare', async () => {
  files.readFile = () => Promise.reject(new Error('password of the store: x'));
  const response = await get();
  expect(response.statusCode).toBe(500);
  expect(response.json()).toEqual({ error: { code: 'INTERNAL_SERVER_ERROR', message: 'Internal server error' } });
});
