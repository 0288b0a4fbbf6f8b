import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs/promises';
import { Readable } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import Fastify, { type FastifyInstance, type LightMyRequestResponse } from 'fastify';
import type { DiskTier } from '../src/files/disk/disk-tier.js';
import { acceptedCodings, isEncodable } from '../src/files/encoding.js';
import { contentEncodingOf } from '../src/files/content-type.js';
import { uploadConditions } from '../src/http/upload-request.js';
import type { FileMetadata } from '../src/files/file.js';
import { Variants } from '../src/files/variants.js';
import { filesRoute, type FileRead } from '../src/http/files-route.js';
import { sendError } from '../src/http/http-error.js';
import { systemTime } from '../src/time.js';
import { KIB, MIB, type Bytes } from '../src/units.js';
import { Counts, filesIn, metadataOf, openTier, Origin, SLICE } from './support/disk-world.js';
import { removeFolder, temporaryFolder } from './support/servers/temporary.js';

const GZIP = { 'accept-encoding': 'gzip' };
/** Behind the header and map of a file with up to 512 slices. */
const DATA = 8 * KIB;

/** Bytes that shrink, different for each version. */
function modelOf(version: number, size: Bytes): Buffer {
  const words = new Uint32Array(Math.ceil(size / 4));
  for (let index = 0, state = version; index < words.length; index += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    words[index] = index % 2 === 0 ? state : version;
  }
  return Buffer.from(words.buffer).subarray(0, size);
}

class Made {
  kept = 0;
  useless = 0;
  failed = 0;
  bytes = 0;
  variantKept = (): void => void (this.kept += 1);
  variantUseless = (): void => void (this.useless += 1);
  variantFailed = (): void => void (this.failed += 1);
  variantSaved = (bytes: Bytes): void => void (this.bytes += bytes);
}

/** One gateway: the route with a disk tier of its own over the folder and origin that all share. */
class Gateway {
  readonly counts = new Counts();
  readonly made = new Made();
  readonly tier: DiskTier;
  readonly variants: Variants;
  readonly app: FastifyInstance = Fastify({ frameworkErrors: sendError });

  constructor(
    folder: string,
    readonly origin: Origin,
    readonly inlineMax: Bytes,
  ) {
    this.tier = openTier(folder, origin, this.counts);
    this.variants = new Variants({
      memoryMax: 4 * MIB,
      disk: this.tier.variants,
      open: (file, options) => this.tier.open(file, options),
      metrics: this.made,
      time: systemTime,
    });
    this.app.register(filesRoute, {
      authorise: () => Promise.resolve(),
      readFile: (path) => Promise.resolve(this.read(path)),
      openFile: (file, options) => this.tier.open(file, options),
      variants: this.variants,
      servedInline: () => undefined,
      fileChanged: () => Promise.resolve(),
    });
  }

  metadata: Partial<FileMetadata> = {};

  private read(path: string): FileRead | null {
    const file = this.origin.files.get(path);
    if (!file) return null;
    const metadata = { ...metadataOf(path, file.version, file.bytes.length), ...this.metadata };
    return { metadata, outcome: 'hit-memory', ...(metadata.size <= this.inlineMax && { bytes: file.bytes }) };
  }

  async get(headers: Record<string, string> = {}, method: 'GET' | 'HEAD' = 'GET'): Promise<LightMyRequestResponse> {
    const response = await this.app.inject({ method, url: '/files/ring.stl', headers });
    await this.variants.settled();
    return response;
  }

  async close(): Promise<void> {
    await this.app.close();
    await this.variants.close();
    await this.tier.close();
  }
}

let folder: string;
let origin: Origin;
const gateways: Gateway[] = [];

function gateway(inlineMax = 0): Gateway {
  const made = new Gateway(folder, origin, inlineMax);
  gateways.push(made);
  return made;
}

function put(version: number, bytes: Buffer): Buffer {
  origin.files.set('ring.stl', { version, bytes });
  return bytes;
}

/** Asks until the form is there: to fill, to have it made. */
async function warm(to: Gateway): Promise<void> {
  await to.get(GZIP);
  await to.get(GZIP);
}

beforeEach(() => {
  folder = temporaryFolder();
  origin = new Origin();
});

afterEach(async () => {
  await Promise.all(gateways.splice(0).map((each) => each.close()));
  const left = await filesIn(folder).catch(() => []);
  expect(left.filter((file) => /^\/(tmp|claims)\//.test(file.slice(folder.length)))).toEqual([]);
  removeFolder(folder);
});

describe('what a client takes', () => {
  test.each<[string | undefined, readonly string[]]>([
    [undefined, []],
    ['', []],
    ['gzip', ['gzip']],
    ['GZIP', ['gzip']],
    ['x-gzip', ['gzip']],
    ['gzip, deflate, br, zstd', ['zstd', 'gzip']],
    ['zstd;q=0.5, gzip;q=0.8', ['gzip', 'zstd']],
    ['gzip;q=0', []],
    ['*', ['zstd', 'gzip']],
    ['*;q=0', []],
    ['gzip, *;q=0', ['gzip']],
    ['*, gzip;q=0', ['zstd']],
    ['identity', []],
    ['identity;q=0, *', ['zstd', 'gzip']],
    ['identity;q=0', []],
    ['gzip;q=0.5, identity', []],
    ['gzip;q=0.5, identity;q=0.5', ['gzip']],
    ['gzip;q=2', []],
    ['gzip;x=1', []],
    ['deflate, br', []],
  ])('%s', (header, codings) => {
    expect(acceptedCodings(header, ['zstd', 'gzip'])).toEqual(codings);
  });

  test('what is small, compressed or only weakly tagged is never encoded', () => {
    const file = metadataOf('ring.stl', 1, 2 * KIB);
    expect(isEncodable(file)).toBe(true);
    for (const part of [
      { size: 1_000 },
      { contentType: 'image/png' },
      { contentType: 'model/3mf' },
      { contentEncoding: 'gzip' },
      { etag: 'W/"1"' },
    ]) {
      expect(isEncodable({ ...file, ...part })).toBe(false);
    }
  });

  test.each([
    ['gzip', 'gzip'],
    ['aws-chunked', undefined],
    ['GZIP,aws-chunked', 'gzip'],
    ['gzip\r\nx: y', undefined],
    [undefined, undefined],
  ])('what the store says of its bytes: %j is %s', (said, encoding) => {
    expect(contentEncodingOf(said)).toBe(encoding);
  });
});

describe.each([
  ['from memory', MIB, 20_000],
  ['from the disk', 0, 3 * MIB + 12_345],
] as const)('%s', (_place, inlineMax, size) => {
  test('whoever takes it gets the encoded form from the third time on, nobody waits for it', async () => {
    const bytes = put(1, modelOf(1, size));
    const one = gateway(inlineMax);
    const early = [await one.get(), await one.get(GZIP)];
    for (const each of early) {
      expect(each.rawPayload.equals(bytes)).toBe(true);
      expect(each.headers).toMatchObject({ etag: '"1"', vary: 'Accept-Encoding', 'content-length': String(size) });
      expect(each.headers).not.toHaveProperty('content-encoding');
    }
    const encoded = await one.get(GZIP);
    expect(gunzipSync(encoded.rawPayload).equals(bytes)).toBe(true);
    expect(encoded.rawPayload.length).toBeLessThan(0.9 * size);
    expect(encoded.headers).toMatchObject({
      etag: '"1-gzip"',
      vary: 'Accept-Encoding',
      'content-encoding': 'gzip',
      'content-type': 'model/stl',
      'content-length': String(encoded.rawPayload.length),
      'cache-status': expect.stringMatching(/^mes-gateway; hit; detail=hit-(memory|disk)$/) as unknown,
    });
    const head = await one.get(GZIP, 'HEAD');
    expect(head.body).toBe('');
    for (const name of ['etag', 'content-encoding', 'content-length', 'content-type', 'vary']) {
      expect(head.headers[name]).toBe(encoded.headers[name]);
    }
    expect((await one.get()).rawPayload.equals(bytes)).toBe(true);
    expect(one.made).toMatchObject({ kept: 1, bytes: size - encoded.rawPayload.length });
    expect(origin.reads).toHaveLength(inlineMax > 0 ? 0 : 1);
  });

  test('a range is always one of the bytes as they are', async () => {
    const bytes = put(1, modelOf(1, size));
    const one = gateway(inlineMax);
    await warm(one);
    const part = await one.get({ ...GZIP, range: 'bytes=100-199', 'if-range': '"1"' });
    expect(part.statusCode).toBe(206);
    expect(part.headers).toMatchObject({ etag: '"1"', vary: 'Accept-Encoding', 'content-range': `bytes 100-199/${size}` });
    expect(part.rawPayload.equals(bytes.subarray(100, 200))).toBe(true);
    const otherForm = await one.get({ ...GZIP, range: 'bytes=100-199', 'if-range': '"1-gzip"' });
    expect(otherForm.statusCode).toBe(200);
    expect(otherForm.rawPayload.equals(bytes)).toBe(true);
    expect(await one.get({ ...GZIP, range: 'bytes=100-199', 'if-match': '"1-gzip"' })).toMatchObject({ statusCode: 412 });
  });

  test('conditions know each form that the client takes, and answer with the one it has', async () => {
    put(1, modelOf(1, size));
    const one = gateway(inlineMax);
    await warm(one);
    const unchanged = async (headers: Record<string, string>): Promise<string | number | undefined> => {
      const { statusCode, headers: answered } = await one.get(headers);
      return statusCode === 304 ? String(answered.etag) : statusCode;
    };
    expect(await unchanged({ ...GZIP, 'if-none-match': '"1-gzip"' })).toBe('"1-gzip"');
    expect(await unchanged({ ...GZIP, 'if-none-match': '"0", W/"1-gzip"' })).toBe('"1-gzip"');
    expect(await unchanged({ ...GZIP, 'if-none-match': '"1"' })).toBe('"1"');
    expect(await unchanged({ ...GZIP, 'if-none-match': '*' })).toBe('"1-gzip"');
    expect(await unchanged({ ...GZIP, 'if-none-match': '"0-gzip"' })).toBe(200);
    expect(await unchanged({ 'if-none-match': '"1"' })).toBe('"1"');
    expect(await unchanged({ 'if-none-match': '"1-gzip"' })).toBe(200);
    expect(await unchanged({ ...GZIP, 'if-match': '"1-gzip"' })).toBe(200);
    expect(await unchanged({ ...GZIP, 'if-match': '"1"' })).toBe(200);
    expect(await unchanged({ 'if-match': '"1-gzip"' })).toBe(412);
    expect(await unchanged({ ...GZIP, 'if-match': '"0-gzip"' })).toBe(412);
  });

  test('a new version is never given a form of the old one', async () => {
    put(1, modelOf(1, size));
    const one = gateway(inlineMax);
    await warm(one);
    const bytes = put(2, modelOf(2, size));
    for (const tag of ['"2"', '"2"', '"2-gzip"'].slice(inlineMax > 0 ? 1 : 0)) {
      const response = await one.get(GZIP);
      expect(response.headers.etag).toBe(tag);
      const got = response.headers['content-encoding'] ? gunzipSync(response.rawPayload) : response.rawPayload;
      expect(got.equals(bytes)).toBe(true);
    }
  });

  test('what does not shrink is tried once', async () => {
    const bytes = put(1, randomBytes(size));
    const one = gateway(inlineMax);
    for (let round = 0; round < 4; round += 1) expect((await one.get(GZIP)).rawPayload.equals(bytes)).toBe(true);
    expect(one.made).toMatchObject({ kept: 0, useless: 1, failed: 0 });
  });
});

test('any bytes of any length come back', async () => {
  const one = gateway();
  let version = 0;
  const piece = fc.tuple(fc.integer({ min: 1, max: 255 }), fc.integer({ min: 1, max: 3 * SLICE }));
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { minLength: 1, maxLength: 4 }), fc.nat({ max: 64 }), async (pieces, noise) => {
      const runs = pieces.map(([value, length]) => Buffer.alloc(length + KIB, value));
      const bytes = put((version += 1), Buffer.concat([...runs, randomBytes(noise)]));
      await warm(one);
      const response = await one.get(GZIP);
      expect(response.headers.etag).toBe(`"${version}-gzip"`);
      expect(gunzipSync(response.rawPayload).equals(bytes)).toBe(true);
    }),
    { numRuns: 12 },
  );
});

test('a form of many slices comes back, and another process and a restarted one find it', async () => {
  const bytes = put(1, modelOf(1, 4 * MIB));
  const [one, two] = [gateway(), gateway()];
  await warm(one);
  await two.get(GZIP);
  for (const each of [one, two]) {
    const response = await each.get(GZIP);
    expect(response.headers.etag).toBe('"1-gzip"');
    expect(response.rawPayload.length).toBeGreaterThan(20 * SLICE);
    expect(gunzipSync(response.rawPayload).equals(bytes)).toBe(true);
  }
  expect([one.made.kept, two.made.kept]).toEqual([1, 0]);
});

/** The file of the encoded form: the one whose first bytes behind the map are not the model's. */
async function formFile(bytes: Buffer): Promise<string> {
  for (const file of await filesIn(folder)) {
    const content = await fs.readFile(file);
    if (content.length > DATA && !content.subarray(DATA, DATA + 64).equals(bytes.subarray(0, 64))) return file;
  }
  throw new Error('there is no encoded form');
}

async function flip(file: string, position: Bytes): Promise<void> {
  const handle = await fs.open(file, 'r+');
  const byte = Buffer.alloc(1);
  await handle.read(byte, 0, 1, position);
  await handle.write(Buffer.of((byte[0] ?? 0) ^ 1), 0, 1, position);
  await handle.close();
}

test.each([
  ['in its length', DATA + 2],
  ['in its first bytes', DATA + 50],
  ['far behind', DATA + 5 * SLICE + 7],
])('a flipped bit %s is seen after a restart: the file is sent as it is, the form is made anew', async (_place, position) => {
  const bytes = put(1, modelOf(1, 2 * MIB));
  const one = gateway();
  await warm(one);
  await one.close();
  gateways.splice(0);
  await flip(await formFile(bytes), position);
  const two = gateway();
  expect((await two.get(GZIP)).rawPayload.equals(bytes)).toBe(true);
  expect(two.counts.corrupt).toBe(1);
  expect(two.made.kept).toBe(1);
  expect(gunzipSync((await two.get(GZIP)).rawPayload).equals(bytes)).toBe(true);
});

test('a form that breaks in use is given up: at its beginning for the file as it is, later by a broken answer', async () => {
  const bytes = put(1, modelOf(1, 2 * MIB));
  const one = gateway();
  await warm(one);
  await flip(await formFile(bytes), DATA + 50);
  const first = await one.get(GZIP);
  expect(first.headers.etag).toBe('"1"');
  expect(first.rawPayload.equals(bytes)).toBe(true);
  expect((await one.get(GZIP)).headers.etag).toBe('"1-gzip"');
  await flip(await formFile(bytes), DATA + 9 * SLICE);
  await expect(one.get(GZIP)).rejects.toThrow();
  const last = await one.get(GZIP);
  expect(last.headers.etag).toBe('"1"');
  expect(last.rawPayload.equals(bytes)).toBe(true);
});

test('a file that is replaced while it is encoded: the form is of the version that it says', async () => {
  const old = put(1, modelOf(1, 2 * MIB));
  const one = gateway();
  const file = metadataOf('ring.stl', 1, old.length);
  await one.get();
  one.variants.want(file, 'gzip');
  const bytes = put(2, modelOf(2, 2 * MIB));
  await one.variants.settled();
  const { etag } = (await one.get(GZIP)).headers;
  expect(etag).toBe('"2"');
  await one.get(GZIP);
  const response = await one.get(GZIP);
  expect(response.headers.etag).toBe('"2-gzip"');
  expect(gunzipSync(response.rawPayload).equals(bytes)).toBe(true);
});

test('of two processes one encodes; what a killed one left is taken over', async () => {
  const bytes = put(1, modelOf(1, 4 * MIB));
  const [one, two] = [gateway(), gateway()];
  const file = metadataOf('ring.stl', 1, bytes.length);
  await one.get();
  for (const each of [one, two]) each.variants.want(file, 'gzip');
  await Promise.all([one, two].map(({ variants }) => variants.settled()));
  expect(one.made.kept + two.made.kept).toBe(1);
  const form = await formFile(bytes);
  await fs.unlink(form);
  const claim = `${folder}/claims/${form.split('/').at(-1)}-0-${(4 * MIB) / SLICE - 1}`;
  const three = gateway();
  await fs.writeFile(claim, '');
  await three.get(GZIP);
  expect(three.made).toMatchObject({ kept: 0, failed: 0 });
  await fs.utimes(claim, 1, 1);
  const four = gateway();
  await four.get(GZIP);
  expect(four.made.kept).toBe(1);
});

test('a form that another process evicted is none', async () => {
  const bytes = put(1, modelOf(1, 2 * MIB));
  const [one, two] = [gateway(), gateway()];
  await warm(one);
  await fs.unlink(await formFile(bytes));
  await two.get(GZIP);
  const response = await two.get(GZIP);
  expect(gunzipSync(response.rawPayload).equals(bytes)).toBe(true);
  expect(two.made.kept).toBe(1);
});

test('what is being made when the gateway stops, or when the file breaks, leaves nothing', async () => {
  const bytes = put(1, modelOf(1, 6 * MIB));
  const one = gateway();
  await one.get();
  const body = one.tier.open.bind(one.tier);
  let opened = 0;
  const broken = new Variants({
    memoryMax: MIB,
    disk: one.tier.variants,
    open: async (file, options) => {
      opened += 1;
      if (opened > 1) return body(file, options);
      return { body: Readable.from([bytes.subarray(0, 3 * MIB)], { objectMode: false }) };
    },
    metrics: one.made,
    time: systemTime,
  });
  const file = metadataOf('ring.stl', 1, bytes.length);
  broken.want(file, 'gzip');
  await broken.settled();
  expect(one.made).toMatchObject({ kept: 0, failed: 1 });
  expect(broken.ready(file, ['gzip'])).toBeUndefined();
  one.variants.want(file, 'gzip');
  await one.variants.close();
  expect(one.variants.ready(file, ['gzip'])).toBeUndefined();
  expect(await filesIn(folder)).toHaveLength(1);
});

test('a file that the store has encoded already is sent with what it is, and not encoded again', async () => {
  const bytes = put(1, modelOf(1, 20_000));
  const one = gateway(MIB);
  one.metadata = { contentEncoding: 'gzip' };
  await warm(one);
  const response = await one.get(GZIP);
  expect(response.headers).toMatchObject({ etag: '"1"', 'content-encoding': 'gzip', 'content-length': '20000' });
  expect(response.headers).not.toHaveProperty('vary');
  expect(response.rawPayload.equals(bytes)).toBe(true);
  expect(one.made.kept).toBe(0);
});

test('who read an encoded form may upload over that version, and no other', () => {
  const current = metadataOf('ring.stl', 1, 20_000);
  expect(uploadConditions({ 'if-match': '"1-gzip"' }, current)).toEqual({ ifMatch: '"1"' });
  expect(uploadConditions({ 'if-match': '"0-gzip"' }, current)).toBe('failed');
});
