import * as fs from 'node:fs/promises';
import { get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import fc from 'fast-check';
import Fastify, { type FastifyInstance } from 'fastify';
import type { Disk } from '../src/files/disk/disk.js';
import type { DiskTier } from '../src/files/disk/disk-tier.js';
import { dataOffset } from '../src/files/disk/layout.js';
import { FileChangedError, type ByteRange, type FileMetadata } from '../src/files/file.js';
import { ReadyBody } from '../src/files/ready-body.js';
import { filesRoute } from '../src/http/files-route.js';
import { sendError } from '../src/http/http-error.js';
import { MIB } from '../src/units.js';
import { openDescriptors } from './support/descriptors.js';
import { bytesOf, Counts, download, filesIn, hashOf, openTier, Origin, SLICE } from './support/disk-world.js';
import { until } from './support/race.js';
import { removeFolder, temporaryFolder } from './support/servers/temporary.js';

const SIZE = MIB + 4 * SLICE + 1234;
const TRUTH = bytesOf('ring.stl', 1, SIZE);
/** In the middle of slices 2 and 3. */
const RANGE: ByteRange = { start: 2 * SLICE + 4321, end: 3 * SLICE + 4320 };
const WANTED = hashOf(TRUTH.subarray(RANGE.start, RANGE.end + 1));

let folder: string;
let origin: Origin;
let counts: Counts;
let tier: DiskTier;
let file: FileMetadata;
/** Runs before each read of a file of the tier. */
let beforeRead: () => Promise<void>;

/** The file system, with `beforeRead`. */
const disk: Disk = {
  ...fs,
  open: async (...args) => {
    const handle = await fs.open(...args);
    const read = handle.read.bind(handle) as (...given: unknown[]) => unknown;
    return Object.assign(handle, { read: (...given: unknown[]) => beforeRead().then(() => read(...given)) });
  },
};

beforeEach(async () => {
  folder = temporaryFolder();
  origin = new Origin();
  counts = new Counts();
  beforeRead = () => Promise.resolve();
  tier = openTier(folder, origin, counts, { disk });
  file = origin.put('ring.stl', 1, SIZE);
  await download(tier, file);
  origin.reads.length = 0;
});

afterEach(async () => {
  beforeRead = () => Promise.resolve();
  await tier.close();
  expect(openDescriptors(folder)).toEqual([]);
  removeFolder(folder);
});

async function onlyFile(): Promise<string> {
  const [path, ...others] = await filesIn(folder);
  expect(others).toEqual([]);
  return path ?? '';
}

async function overwrite(position: number, bytes: Buffer): Promise<void> {
  const handle = await fs.open(await onlyFile(), 'r+');
  await handle.write(bytes, 0, bytes.length, position).finally(() => handle.close());
}

test('any small range that is here comes as one buffer, also for who reads it as a stream', async () => {
  const ranges = fc.record({ start: fc.nat(SIZE - 1), length: fc.integer({ min: 1, max: MIB }) });
  await fc.assert(
    fc.asyncProperty(ranges, async ({ start, length }) => {
      const range = { start, end: Math.min(start + length, SIZE) - 1 };
      const { body, outcome } = await tier.open(file, { range });
      const truth = TRUTH.subarray(range.start, range.end + 1);
      if (!(body instanceof ReadyBody)) throw new Error('must be one buffer');
      expect(outcome).toBe('hit-disk');
      expect(body.bytes.equals(truth)).toBe(true);
      expect((await buffer(body)).equals(truth)).toBe(true);
    }),
  );
  expect(origin.reads).toEqual([]);
});

test('one read of the disk for each of them', async () => {
  let reads = 0;
  beforeRead = () => Promise.resolve(void (reads += 1));
  await tier.open(file, { range: { start: 5, end: MIB + 4 } });
  expect(reads).toBe(1);
});

test('what is larger, or not all here, is streamed', async () => {
  const { body } = await tier.open(file);
  expect(body).not.toBeInstanceOf(ReadyBody);
  expect((await buffer(body)).equals(TRUTH)).toBe(true);
  const other = origin.put('nut.stl', 1, SIZE);
  await download(tier, other, { start: 0, end: 0 });
  await download(tier, other, { start: 2 * SLICE, end: 2 * SLICE });
  const range = { start: 0, end: 3 * SLICE - 1 };
  expect(await download(tier, other, range)).toMatchObject({
    outcome: 'filled',
    hash: hashOf(bytesOf('nut.stl', 1, SIZE).subarray(0, 3 * SLICE)),
  });
});

test.each([
  ['in the first slice', dataOffset(SIZE) + 2 * SLICE + 5],
  ['in the last slice, outside of the range', dataOffset(SIZE) + 4 * SLICE - 5],
])('a byte that was damaged %s: its slice is brought again', async (_where, position) => {
  await overwrite(position, Buffer.of(0x5a, 0x5b, 0x5c));
  expect(await download(tier, file, RANGE)).toMatchObject({ hash: WANTED });
  expect(counts.corrupt).toBe(1);
  expect(origin.reads).toHaveLength(1);
  expect((await tier.open(file, { range: RANGE })).body).toBeInstanceOf(ReadyBody);
});

test('a file that was cut off is brought again', async () => {
  await fs.truncate(await onlyFile(), dataOffset(SIZE) + 3 * SLICE + 7);
  expect(await download(tier, file, RANGE)).toMatchObject({ hash: WANTED });
});

test('a file that is evicted and replaced while it is read: the bytes are of the version asked for', async () => {
  beforeRead = async () => {
    beforeRead = () => Promise.resolve();
    await fs.unlink(await onlyFile());
    origin.put('ring.stl', 2, SIZE);
  };
  expect(await download(tier, file, RANGE)).toMatchObject({ outcome: 'hit-disk', hash: WANTED });
  const later = openTier(folder, origin);
  await expect(later.open(file, { range: RANGE })).rejects.toThrow(FileChangedError);
  await later.close();
});

test('a file that is being read is not evicted', async () => {
  const small = openTier(folder, origin, counts, { disk, max: 2.5 * SIZE });
  const ring = await onlyFile();
  let release = (): void => undefined;
  let begun = false;
  const gate = new Promise<void>((resolve) => (release = resolve));
  await download(small, file, RANGE);
  beforeRead = () => ((begun = true), gate);
  const reading = download(small, file, RANGE);
  await until('it reads', () => begun);
  beforeRead = () => Promise.resolve();
  // Its score: nothing is worth less.
  await fs.utimes(ring, 1, 1);
  for (const path of ['nut.stl', 'bolt.stl', 'gear.stl']) await download(small, origin.put(path, 1, SIZE));
  release();
  expect(await reading).toMatchObject({ outcome: 'hit-disk', hash: WANTED });
  expect(counts.evictions).toBeGreaterThan(0);
  expect(origin.reads.map(({ path }) => path)).toEqual(['nut.stl', 'bolt.stl', 'gear.stl']);
  await small.close();
});

test('a disk that cannot be read: the bytes come from the origin', async () => {
  beforeRead = () => Promise.reject(Object.assign(new Error('i/o error'), { code: 'EIO' }));
  expect(await download(tier, file, RANGE)).toMatchObject({ hash: WANTED });
  expect(counts.errors).toBe(1);
});

test('a tier that is closed waits for the read', async () => {
  let begun = false;
  let release = (): void => undefined;
  const gate = new Promise<void>((resolve) => (release = resolve));
  beforeRead = () => ((begun = true), gate);
  const opening = download(tier, file, RANGE);
  await until('it reads', () => begun);
  const closing = tier.close();
  release();
  await closing;
  expect(openDescriptors(folder)).toEqual([]);
  expect((await opening).hash).toBe(WANTED);
});

test('who has left by the time it is read is told so', async () => {
  const client = new AbortController();
  beforeRead = () => Promise.resolve(client.abort(new Error('gone')));
  await expect(tier.open(file, { range: RANGE, signal: client.signal })).rejects.toThrow('gone');
});

describe('over HTTP', () => {
  let app: FastifyInstance;
  const headers = { range: `bytes=${RANGE.start}-${RANGE.end}` };

  beforeEach(() => {
    app = Fastify({ frameworkErrors: sendError });
    app.register(filesRoute, {
      authorise: () => Promise.resolve(),
      readFile: () => Promise.resolve({ metadata: file, outcome: 'hit-memory' }),
      openFile: (metadata, options) => tier.open(metadata, options),
      servedInline: () => undefined,
      fileChanged: () => Promise.resolve(),
    });
  });

  afterEach(() => app.close());

  const ask = async (given: Record<string, string>, method: 'GET' | 'HEAD' = 'GET') => {
    const { statusCode, headers: got, rawPayload } = await app.inject({ method, url: '/files/ring.stl', headers: given });
    const { date: _date, ...others } = got;
    return { status: statusCode, headers: others, hash: hashOf(rawPayload) };
  };

  test('the answer is the one that a stream gives', async () => {
    const ready = await ask(headers);
    expect(ready).toMatchObject({ status: 206, hash: WANTED, headers: { 'content-length': String(SLICE) } });
    await overwrite(dataOffset(SIZE) + 2 * SLICE, Buffer.from('damage'));
    const open = tier.open.bind(tier);
    let streamed = 0;
    tier.open = async (...args) => {
      const opened = await open(...args);
      if (!(opened.body instanceof ReadyBody)) streamed += 1;
      return opened;
    };
    const brought = await ask(headers);
    expect(streamed).toBe(1);
    expect(brought).toEqual(ready);
  });

  test('HEAD, 304, 412 and 416 read nothing', async () => {
    beforeRead = () => Promise.reject(new Error('must not read'));
    expect(await ask(headers, 'HEAD')).toMatchObject({ status: 200, headers: { 'content-length': String(SIZE) } });
    expect(await ask({ ...headers, 'if-none-match': file.etag })).toMatchObject({ status: 304 });
    expect(await ask({ ...headers, 'if-match': '"other"' })).toMatchObject({ status: 412 });
    expect(await ask({ range: `bytes=${SIZE}-` })).toMatchObject({
      status: 416,
      headers: { 'content-range': `bytes */${SIZE}` },
    });
    expect(counts.errors).toBe(0);
  });

  test('clients that leave while their bytes are read, or do not take them, harm nobody', async () => {
    await app.listen({ host: '127.0.0.1', port: 0 });
    const { port } = app.server.address() as AddressInfo;
    let reading = 0;
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    beforeRead = () => ((reading += 1), gate);
    const request = () => get({ port, path: '/files/ring.stl', headers, agent: false }).on('error', () => undefined);
    const leaving = Array.from({ length: 20 }, request);
    await until('all are read for', () => reading === leaving.length);
    for (const client of leaving.slice(0, 10)) client.destroy();
    for (const client of leaving.slice(10)) client.on('response', (response) => response.destroy());
    release();
    expect(await ask(headers)).toMatchObject({ status: 206, hash: WANTED });
    await until('all connections are closed', async () => (await openConnections(app)) === 0);
  });
});

function openConnections(app: FastifyInstance): Promise<number> {
  return promisify(app.server.getConnections.bind(app.server))();
}
