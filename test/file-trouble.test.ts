import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import fc from 'fast-check';
import { sourceUnavailable } from '../src/errors.js';
import { pauseAfter } from '../src/files/backoff.js';
import { FileChangedError, PutUnconfirmedError, type FileSource, type OpenOptions } from '../src/files/file.js';
import { resilientFiles } from '../src/files/resilient-files.js';
import { MINUTE, SECOND } from '../src/units.js';
import { FakeTime } from './support/fake-time.js';
import { QuickTime } from './support/quick-time.js';

const BYTES = Buffer.from('0123456789abcdef');
const OUTAGE = { code: 'SOURCE_UNAVAILABLE' };

/** What one body does: so many bytes, then what `then` says. */
interface Play {
  readonly bytes?: number;
  readonly then?: 'break' | 'end' | 'silence' | 'hang up';
  /** Before it is opened, the file is replaced, or the store fails. */
  readonly first?: 'replace' | 'fail';
}

/** A store of one file whose every opening goes as `plays` say, and well after that. */
function playedStore(plays: Play[], bytes = BYTES) {
  let version = 1;
  const opened: OpenOptions[] = [];
  const bodies: Readable[] = [];
  const metadata = () => ({
    path: 'ring.stl',
    size: bytes.length,
    contentType: 'model/stl',
    etag: `"${version}"`,
    lastModified: 0,
  });
  const source: FileSource = {
    head: () => Promise.resolve(metadata()),
    open: (_path, options = {}) => {
      const { bytes: count = Infinity, then = 'end', first } = plays.shift() ?? {};
      opened.push(options);
      if (first === 'fail') return Promise.reject(sourceUnavailable('file store'));
      if (first === 'replace') version += 1;
      if (options.ifMatch !== undefined && options.ifMatch !== metadata().etag) return Promise.reject(new FileChangedError());
      const { start, end } = options.range ?? { start: 0, end: bytes.length - 1 };
      const sent = bytes.subarray(start, Math.min(end + 1, start + count));
      const body = new Readable({ read: () => undefined });
      const piece = Math.ceil(bytes.length / 20);
      // Bytes of another version are others.
      for (let at = 0; at < sent.length; at += piece) {
        body.push(sent.subarray(at, at + piece).map((byte) => (byte + version - 1) % 256));
      }
      if (then === 'end') body.push(null);
      if (then === 'break') setImmediate(() => body.destroy(new Error('reset')));
      if (then === 'hang up') setImmediate(() => body.destroy());
      bodies.push(body);
      return Promise.resolve({ metadata: metadata(), body });
    },
    put: () => Promise.reject(new PutUnconfirmedError()),
    presign: () => Promise.resolve(null),
    close: () => Promise.resolve(),
  };
  return { source, opened, bodies };
}

const PATIENCE = { random: () => 0.5, deadline: 15 * SECOND, stall: 5 * SECOND, attempts: 5, onRetry: () => undefined };

function patient(plays: Play[], time = new QuickTime(2 * SECOND), bytes = BYTES) {
  const played = playedStore(plays, bytes);
  return { ...played, time, files: resilientFiles(played.source, { ...PATIENCE, time }) };
}

const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

async function openRing(files: FileSource, options?: OpenOptions): Promise<Readable> {
  return (await files.open('ring.stl', options))!.body;
}

describe('a body that is resumed', () => {
  test.each(['break', 'end', 'hang up'] as const)('is whole, and of one version: %s', async (then) => {
    const { files, opened } = patient([{ bytes: 5, then }, { bytes: 0, then }, { first: 'fail' }, { bytes: 3, then }]);
    expect(await buffer(await openRing(files))).toEqual(BYTES);
    expect(opened.map(({ range, ifMatch }) => [range?.start, range?.end, ifMatch])).toEqual([
      [undefined, undefined, undefined],
      [5, 15, '"1"'],
      [5, 15, '"1"'],
      [5, 15, '"1"'],
      [8, 15, '"1"'],
    ]);
  });

  test('of a version that is gone fails', async () => {
    const { files } = patient([{ bytes: 5, then: 'break' }, { first: 'replace' }]);
    await expect(buffer(await openRing(files))).rejects.toBeInstanceOf(FileChangedError);
  });

  test('of a source that does not heed ifMatch fails too', async () => {
    const { source, bodies } = playedStore([{ bytes: 5, then: 'break' }, { first: 'replace' }]);
    const careless: FileSource = { ...source, open: (path, { range } = {}) => source.open(path, range && { range }) };
    const files = resilientFiles(careless, { ...PATIENCE, time: new QuickTime(2 * SECOND) });
    await expect(buffer(await openRing(files))).rejects.toBeInstanceOf(FileChangedError);
    expect(bodies.every(({ destroyed }) => destroyed)).toBe(true);
  });

  test('does not hurry a slow reader, and is not opened again before that reads on', async () => {
    const large = Buffer.alloc(200_000, 'x');
    const { files, opened, time } = patient([{ bytes: 150_000, then: 'silence' }], undefined, large);
    const body = await openRing(files);
    body.read(0);
    await settled();
    expect(body.readableLength).toBeGreaterThan(0);
    time.slow.advance(60 * MINUTE);
    await settled();
    expect(opened).toHaveLength(1);
    expect(time.slow.pending).toBe(0);
  });

  test('that breaks while nobody reads goes on when somebody does', async () => {
    const large = Buffer.alloc(200_000, 'x');
    const { files, opened, bodies, time } = patient([{ bytes: 199_000, then: 'silence' }], undefined, large);
    const body = await openRing(files);
    body.read(0);
    await settled();
    bodies[0]!.destroy(new Error('reset'));
    await settled();
    time.slow.advance(60 * MINUTE);
    expect(opened).toHaveLength(1);
    expect((await buffer(body)).equals(large)).toBe(true);
    expect(opened).toHaveLength(2);
  });

  test('fails when no byte comes within the deadline', async () => {
    const { files, time } = patient(Array<Play>(9).fill({ bytes: 0, then: 'silence' }), new QuickTime(SECOND / 2));
    const body = await openRing(files);
    const reading = buffer(body);
    reading.catch(() => undefined);
    const started = time.now();
    while (!body.destroyed) {
      await settled();
      time.slow.advance(SECOND);
    }
    await expect(reading).rejects.toMatchObject(OUTAGE);
    expect(time.now() - started).toBeGreaterThanOrEqual(15 * SECOND);
    expect(time.slow.pending).toBe(0);
  });

  test.each(['', 'x'])('is whole: "%s"', async (text) => {
    const bytes = Buffer.from(text);
    const { files, opened } = patient([], undefined, bytes);
    expect(await buffer(await openRing(files))).toEqual(bytes);
    expect(opened).toHaveLength(1);
  });

  test('is not whole before the store has ended it', async () => {
    const { files, opened } = patient([{ then: 'break' }]);
    const chunks: Buffer[] = [];
    const body = (await openRing(files)).on('data', (chunk: Buffer) => chunks.push(chunk));
    await expect(new Promise((_, reject) => body.on('error', reject))).rejects.toMatchObject(OUTAGE);
    expect(Buffer.concat(chunks).length).toBeLessThan(BYTES.length);
    expect(opened).toHaveLength(1);
  });

  test.each(['reading', 'resuming', 'unread'])('lets go of everything when it is destroyed: %s', async (when) => {
    const time = new FakeTime();
    const { source, bodies } = playedStore([{ bytes: 5, then: when === 'resuming' ? 'end' : 'silence' }]);
    const body = await openRing(resilientFiles(source, { ...PATIENCE, time }));
    if (when !== 'unread') body.resume();
    await settled();
    expect(time.pending).toBe(when === 'unread' ? 0 : 1);
    body.destroy();
    await settled();
    expect(time.pending).toBe(0);
    expect(bodies.every(({ destroyed }) => destroyed)).toBe(true);
  });

  test('is one version, whole or failing, whatever happens (property)', async () => {
    const play = fc.record(
      {
        bytes: fc.nat(20),
        then: fc.constantFrom('break' as const, 'end' as const, 'hang up' as const),
        first: fc.constantFrom('replace' as const, 'fail' as const),
      },
      { requiredKeys: ['bytes', 'then'] },
    );
    const range = fc.option(fc.tuple(fc.nat(15), fc.nat(30)), { nil: undefined });
    await fc.assert(
      fc.asyncProperty(fc.array(play, { maxLength: 12 }), range, async (plays, asked) => {
        const { files } = patient([...plays]);
        const [start, end] = asked ? [asked[0], asked[0] + asked[1]] : [0, 15];
        const expected = BYTES.subarray(start, end + 1);
        const file = await files.open('ring.stl', asked && { range: { start, end } }).catch(() => undefined);
        if (!file) return;
        const shift = Number(file.metadata.etag.slice(1, -1)) - 1;
        const chunks: Buffer[] = [];
        const whole = await new Promise<boolean>((resolve) => {
          file.body.on('data', (chunk: Buffer) => chunks.push(chunk));
          file.body.on('end', () => resolve(true)).on('error', () => resolve(false));
        });
        const received = Buffer.concat(chunks).map((byte) => (byte - shift + 256) % 256);
        expect(received).toEqual(whole ? expected : expected.subarray(0, received.length));
        if (!whole) expect(received.length).toBeLessThan(expected.length);
      }),
      { numRuns: 300 },
    );
  });
});

describe('a question to a store', () => {
  test('that never answers, nor heeds the signal, fails at the deadline; what comes later is let go of', async () => {
    const time = new FakeTime();
    const { source, bodies } = playedStore([]);
    let answer = (): void => undefined;
    const late = new Promise<void>((resolve) => (answer = resolve));
    const stuck: FileSource = {
      ...source,
      head: () => new Promise(() => undefined),
      open: (path) => late.then(() => source.open(path)),
    };
    const files = resilientFiles(stuck, { ...PATIENCE, time });
    for (const asked of [files.head('ring.stl'), files.open('ring.stl')]) {
      asked.catch(() => undefined);
      time.advance(15 * SECOND);
      await expect(asked).rejects.toMatchObject(OUTAGE);
    }
    answer();
    await settled();
    expect(bodies.map(({ destroyed }) => destroyed)).toEqual([true]);
    expect(time.pending).toBe(0);
  });

  test('is not repeated for what is no trouble of the store', async () => {
    const { source } = playedStore([]);
    const asked: string[] = [];
    for (const error of [new FileChangedError(), new TypeError('a bug')]) {
      const failing: FileSource = {
        ...source,
        open: () => {
          asked.push(error.name);
          return Promise.reject(error);
        },
      };
      await expect(resilientFiles(failing, { ...PATIENCE, time: new FakeTime() }).open('ring.stl')).rejects.toBe(error);
    }
    expect(asked).toEqual(['FileChangedError', 'TypeError']);
  });

  test('pauses are random up to a bound that doubles, and ends at two seconds (property)', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (failures, chance) => {
          const bound = Math.min(2 * SECOND, 100 * 2 ** (failures - 1));
          expect(pauseAfter(failures, () => chance)).toBe(chance * bound);
        },
      ),
    );
  });
});
