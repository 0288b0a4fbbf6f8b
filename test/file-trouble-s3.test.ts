import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { DeleteObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import {
  FileChangedError,
  FileStoreRefusedError,
  PutUnconfirmedError,
  type FileSource,
  type PutOptions,
} from '../src/files/file.js';
import type { Retry } from '../src/files/patience.js';
import { resilientFiles } from '../src/files/resilient-files.js';
import { createS3Files, type S3FilesOptions } from '../src/sources/s3-files.js';
import { MIB, SECOND } from '../src/units.js';
import { startFaultyOrigin, type Fault, type FaultyOrigin } from './support/faulty-origin.js';
import { QuickTime } from './support/quick-time.js';
import { until } from './support/race.js';
import { becomeClientOf, s3Client, type S3Address } from './support/servers/s3.js';
import { describeWith, sharedS3 } from './support/servers/shared.js';

const SIZE = 3 * MIB + 5;
const CUT = 1_000_000;
const OUTAGE = { code: 'SOURCE_UNAVAILABLE', message: 'The file store does not answer at the moment; try again shortly.' };

describeWith('s3')('trouble of a real store', () => {
  let restore = (): void => undefined;
  const bytes = randomBytes(SIZE);
  const made: FileSource[] = [];
  let address: S3Address;
  let bucket: string;
  let client: S3Client;
  let origin: FaultyOrigin;
  let time: QuickTime;
  let retries: Retry[];
  let source: FileSource;
  let etag: string;

  const put = (Key: string, Body: Buffer) => client.send(new PutObjectCommand({ Bucket: bucket, Key, Body }));

  /** The file store behind the proxy, with all patience; time runs for pauses only. */
  function patient(options: Partial<S3FilesOptions> = {}): FileSource {
    const files = createS3Files({ ...address, bucket, endpoint: origin.url, forcePathStyle: true, ...options });
    const onRetry = (retry: Retry): void => void retries.push(retry);
    made.push(files);
    return resilientFiles(files, { time, random: () => 0.5, deadline: 15 * SECOND, stall: 5 * SECOND, attempts: 5, onRetry });
  }

  beforeAll(async () => {
    const shared = sharedS3();
    address = shared;
    restore = becomeClientOf(address);
    bucket = await shared.newBucket();
    client = s3Client(address);
    origin = await startFaultyOrigin(address.endpoint);
  });

  beforeEach(async () => {
    await put('ring.stl', bytes);
    origin.reset();
    time = new QuickTime(2 * SECOND);
    retries = [];
    source = patient();
    etag = (await source.head('ring.stl'))?.etag ?? '';
    origin.reset();
  });

  afterEach(() => Promise.all(made.splice(0).map((files) => files.close())));

  afterAll(async () => {
    await origin.close();
    client.destroy();
    restore();
  });

  const plan = (...faults: (Fault | undefined)[]): void => void origin.plan.push(...faults);

  async function read(options: Parameters<FileSource['open']>[1] = {}): Promise<Buffer> {
    const file = await source.open('ring.stl', options);
    return buffer(file!.body);
  }

  describe('a question', () => {
    test.each<[string, Fault]>([
      ['503', { status: 503, code: 'SlowDown' }],
      ['429', { status: 429, code: 'TooManyRequests' }],
      ['a connection that breaks', { dropped: true }],
      ['an answer that is lost', { answerLost: true }],
      ['no ETag', { headers: { etag: '' } }],
    ])('is asked again after %s', async (_name, fault) => {
      plan(fault, fault);
      expect(await source.head('ring.stl')).toMatchObject({ size: SIZE, etag });
      expect(origin.seen).toHaveLength(3);
      expect(time.pauses).toEqual([50, 100]);
      plan(fault);
      expect((await read()).equals(bytes)).toBe(true);
    });

    test('is asked again when its answer does not come', async () => {
      source = patient({ requestTimeout: 100 });
      plan({ silent: true }, { silent: true });
      expect(await source.head('ring.stl')).toMatchObject({ size: SIZE });
      expect((await read()).equals(bytes)).toBe(true);
    });

    test('fails after five attempts, with longer and longer pauses between them', async () => {
      for (const ask of [() => source.head('ring.stl'), () => source.open('ring.stl')]) {
        origin.reset();
        time.pauses.length = 0;
        plan(...Array<Fault>(9).fill({ status: 503 }));
        await expect(ask()).rejects.toMatchObject(OUTAGE);
        expect(origin.seen).toHaveLength(5);
        expect(time.pauses).toEqual([50, 100, 200, 400]);
      }
      expect(retries.map(({ failures }) => failures)).toEqual([1, 2, 3, 4, 1, 2, 3, 4]);
    });

    test('fails at the deadline, and the request is given up', async () => {
      source = patient({ requestTimeout: 60 * SECOND });
      for (const ask of [() => source.head('ring.stl'), () => source.open('ring.stl')]) {
        origin.reset();
        plan({ silent: true });
        const asked = ask();
        asked.catch(() => undefined);
        await until('the request', () => origin.seen.length === 1);
        time.slow.advance(15 * SECOND);
        await expect(asked).rejects.toMatchObject(OUTAGE);
        expect(origin.seen).toHaveLength(1);
      }
    });

    test.each<[string, Fault]>([
      ['403', { status: 403, code: 'AccessDenied' }],
      ['301', { status: 301, code: 'PermanentRedirect' }],
      ['no such bucket', { status: 404, code: 'NoSuchBucket' }],
    ])('is not asked again after %s, and its error says why', async (name, fault) => {
      plan(fault);
      const refused: unknown = await source.open('ring.stl').catch((error: unknown) => error);
      expect(refused).toBeInstanceOf(FileStoreRefusedError);
      expect(refused).toMatchObject({
        ...OUTAGE,
        cause: { message: expect.stringContaining(name === '403' ? '403' : 'the store') },
      });
      expect(origin.seen).toHaveLength(1);
      expect(time.pauses).toEqual([]);
    });

    test('tells a missing bucket from a missing file, also where answers have no body', async () => {
      expect(await source.head('never.stl')).toBeNull();
      source = patient({ bucket: 'no-such-bucket' });
      await expect(source.head('ring.stl')).rejects.toBeInstanceOf(FileStoreRefusedError);
      await expect(source.open('ring.stl')).rejects.toBeInstanceOf(FileStoreRefusedError);
      expect(time.pauses).toEqual([]);
    });

    test('ends at once when its asker gives up', async () => {
      const reason = new Error('the reader left');
      const leaving = new AbortController();
      plan({ status: 503 }, { silent: true });
      const asked = source.open('ring.stl', { signal: leaving.signal });
      asked.catch(() => undefined);
      await until('the second request', () => origin.seen.length === 2);
      leaving.abort(reason);
      await expect(asked).rejects.toBe(reason);
      expect(time.slow.pending).toBe(0);
    });
  });

  describe('a body', () => {
    const RANGE = { start: 1000, end: 2_500_000 };
    const part = bytes.subarray(RANGE.start, RANGE.end + 1);

    test.each([undefined, RANGE])('goes on where it broke: range %j', async (range) => {
      plan({ after: CUT, then: 'reset' });
      const read_ = await read(range && { range });
      expect(read_.equals(range ? part : bytes)).toBe(true);
      expect(origin.seen).toHaveLength(2);
      const [first, last] =
        /^bytes=(\d+)-(\d+)$/
          .exec(origin.seen[1]?.range ?? '')
          ?.slice(1)
          .map(Number) ?? [];
      expect(last).toBe(range?.end ?? SIZE - 1);
      expect(first).toBeGreaterThan(range?.start ?? 0);
      expect(first).toBeLessThanOrEqual((range?.start ?? 0) + CUT);
      expect(origin.seen[1]?.ifMatch).toBe(etag);
    });

    test('goes on as often as it breaks, as long as bytes come', async () => {
      plan(...Array<Fault>(12).fill({ after: 200_000, then: 'reset' }));
      expect((await read()).equals(bytes)).toBe(true);
      expect(origin.seen).toHaveLength(13);
      expect(new Set(time.pauses)).toEqual(new Set([50]));
    });

    test('fails when no more bytes come', async () => {
      plan({ after: CUT, then: 'reset' }, ...Array<Fault>(9).fill({ after: 0, then: 'reset' }));
      await expect(read()).rejects.toMatchObject(OUTAGE);
      expect(origin.seen).toHaveLength(5);
      expect(time.pauses).toEqual([50, 100, 200, 400]);
    });

    test.each<[string, Fault]>([
      ['ends early', { after: CUT, then: 'end' }],
      ['is of another range', { headers: { 'content-range': `bytes 0-2499000/${SIZE}` } }],
      ['is not of the whole length', { headers: { 'content-range': `bytes 1000-2499999/${SIZE}` } }],
    ])('is asked for again when it %s', async (_name, fault) => {
      plan(fault);
      expect((await read({ range: RANGE })).equals(part)).toBe(true);
      expect(origin.seen).toHaveLength(2);
    });

    test('is never passed for whole when it is too long', async () => {
      plan({ extra: Buffer.from('more') });
      const file = await source.open('ring.stl', { range: RANGE });
      let received = 0;
      file!.body.on('data', (chunk: Buffer) => (received += chunk.length));
      await expect(new Promise((_, reject) => file!.body.on('error', reject))).rejects.toMatchObject(OUTAGE);
      expect(received).toBeLessThan(part.length);
      expect(origin.seen).toHaveLength(1);
    });

    test.each<[string, () => Promise<unknown>]>([
      ['replaced', () => put('ring.stl', randomBytes(SIZE))],
      ['removed', () => client.send(new DeleteObjectCommand({ Bucket: bucket, Key: 'ring.stl' }))],
    ])('fails when the file was %s before it goes on', async (_name, before) => {
      plan({ after: CUT, then: 'reset' }, { before });
      const file = await source.open('ring.stl');
      const chunks: Buffer[] = [];
      file!.body.on('data', (chunk: Buffer) => chunks.push(chunk));
      await expect(new Promise((_, reject) => file!.body.on('error', reject))).rejects.toBeInstanceOf(FileChangedError);
      const received = Buffer.concat(chunks);
      expect(received.equals(bytes.subarray(0, received.length))).toBe(true);
      expect(origin.seen[1]?.ifMatch).toBe(etag);
    });

    test('that stalls is asked for again', async () => {
      plan({ after: CUT, then: 'silence' });
      const file = await source.open('ring.stl');
      let received = 0;
      file!.body.on('data', (chunk: Buffer) => (received += chunk.length));
      await until('the bytes before the stall', () => received === CUT);
      time.slow.advance(4999);
      expect(origin.seen).toHaveLength(1);
      time.slow.advance(1);
      await until('all bytes', () => received === SIZE);
      expect(origin.seen[1]).toEqual({ method: 'GET', range: `bytes=${CUT}-${SIZE - 1}`, ifMatch: etag });
    });
  });

  describe('an upload', () => {
    /** One request: the condition says what is replaced. */
    const upload = (size = SIZE, condition: Pick<PutOptions, 'ifMatch'> = { ifMatch: etag }) => {
      const body = Readable.from([randomBytes(size)], { objectMode: false });
      return source.put('ring.stl', body, { size, contentType: 'model/stl', ...condition });
    };

    test.each<[string, Fault, boolean]>([
      ['the connection breaks after all was sent', { dropped: true }, false],
      ['its answer is lost', { answerLost: true }, true],
      ['the store answers 500', { status: 500 }, false],
    ])('is in doubt when %s, and is not repeated', async (_name, fault, written) => {
      for (const size of [SIZE, 10, 0]) {
        await put('ring.stl', bytes);
        origin.reset();
        plan(fault);
        const doubt: unknown = await upload(size).catch((error: unknown) => error);
        expect(doubt).toBeInstanceOf(PutUnconfirmedError);
        expect(doubt).toMatchObject({ etagBefore: etag });
        expect(origin.seen).toHaveLength(1);
        expect((await source.head('ring.stl'))?.etag === etag).toBe(!written);
      }
    });

    test('is not made when the store does not say what it would replace', async () => {
      plan({ status: 500 });
      const failed: unknown = await upload(0, {}).catch((error: unknown) => error);
      expect(failed).toMatchObject(OUTAGE);
      expect(failed).not.toBeInstanceOf(PutUnconfirmedError);
      expect(origin.seen.map(({ method }) => method)).toEqual(['HEAD']);
      // Its turn has ended.
      expect(await upload(10, {})).toMatchObject({ etagBefore: etag });
    });

    test('was not made when the store refuses it, or was not reached', async () => {
      plan({ status: 403, code: 'AccessDenied' });
      await expect(upload()).rejects.toBeInstanceOf(FileStoreRefusedError);
      source = patient({ endpoint: 'http://127.0.0.1:9' });
      const unreached: unknown = await upload(10).catch((error: unknown) => error);
      expect(unreached).toMatchObject(OUTAGE);
      expect(unreached).not.toBeInstanceOf(PutUnconfirmedError);
    });
  });
});
