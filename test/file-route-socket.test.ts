import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import Fastify, { type FastifyInstance } from 'fastify';
import type { FileMetadata, OpenOptions } from '../src/files/file.js';
import { filesRoute, type FilesRouteDeps } from '../src/http/files-route.js';

const CHUNK = Buffer.alloc(64 * 1024, 'x');
const CHUNKS = 1024;
const metadata: FileMetadata = {
  path: 'large.stl',
  size: CHUNK.length * CHUNKS,
  contentType: 'model/stl',
  etag: '"v1"',
  lastModified: 0,
};

let app: FastifyInstance;
let url: string;
let open: (options: OpenOptions) => Promise<Readable>;

const deps: FilesRouteDeps = {
  authorise: () => Promise.resolve(),
  readFile: () => Promise.resolve({ metadata, outcome: 'filled' }),
  openFile: async (_file, options) => ({ metadata, body: await open(options), outcome: 'streamed' }),
  servedInline: () => undefined,
  fileChanged: () => Promise.resolve(),
};

beforeEach(async () => {
  app = Fastify();
  await app.register(filesRoute, deps);
  url = `${await app.listen({ host: '127.0.0.1', port: 0 })}/files/large.stl`;
});

afterEach(() => app.close());

/** Gives `count` chunks, then runs `end`. */
function source(count: number, end: (body: Readable) => void): Readable & { given: number } {
  const read = function (this: Readable): void {
    if (body.given++ < count) this.push(CHUNK);
    else end(this);
  };
  const body = Object.assign(new Readable({ read }), { given: 0 });
  return body;
}

async function request(): Promise<IncomingMessage> {
  const [response] = (await once(get(url, { agent: false }), 'response')) as [IncomingMessage];
  return response;
}

test('a whole file arrives', async () => {
  open = () => Promise.resolve(source(CHUNKS, (body) => body.push(null)));
  expect((await buffer(await request())).length).toBe(metadata.size);
});

test.each([
  ['fails in the middle', () => source(CHUNKS / 2, (body) => body.destroy(new Error('reset')))],
  ['fails after its last byte', () => source(CHUNKS, (body) => body.destroy(new Error('reset')))],
  ['ends early', () => source(CHUNKS - 1, (body) => body.push(null))],
  ['is too long', () => source(CHUNKS + 1, (body) => body.push(null))],
])('a store that %s breaks the connection', async (_how, body) => {
  open = () => Promise.resolve(body());
  const response = await request();
  expect(response.statusCode).toBe(200);
  await expect(buffer(response)).rejects.toMatchObject({ code: 'ECONNRESET' });
  expect(response.complete).toBe(false);
});

test('a client that goes away ends the reading of the source', async () => {
  const body = source(Infinity, () => undefined);
  open = () => Promise.resolve(body);
  const closed = new Promise((resolve) => body.once('close', resolve));
  const response = await request();
  response.destroy();
  await closed;
  expect(body.given).toBeLessThan(CHUNKS);
});

test('a client that goes away while the file is being opened is told to the source', async () => {
  const aborted = new Promise<void>((resolve) => {
    open = ({ signal }) =>
      new Promise((_opened, reject) => {
        signal?.addEventListener('abort', () => {
          reject(new Error('given up'));
          resolve();
        });
        client.destroy();
      });
  });
  const client = get(url, { agent: false }).on('error', () => undefined);
  await aborted;
});

test('a slow client slows the source down', async () => {
  const body = source(CHUNKS, (ended) => ended.push(null));
  const paused = once(body, 'pause');
  open = () => Promise.resolve(body);
  const response = await request();
  await paused;
  expect(body.given).toBeLessThan(CHUNKS);
  expect((await buffer(response)).length).toBe(metadata.size);
});
