import { buffer } from 'node:stream/consumers';
import { GatewayError } from '../../src/errors.js';
import { FileChangedError, type FileSource, type OpenedFile } from '../../src/files/file.js';
import { filePutConformance } from './file-put.js';

/** One store under test. `put` writes a file, and over an older one of the same path. */
export interface FileSourceFixture {
  readonly source: FileSource;
  readonly put: (path: string, bytes: Buffer) => Promise<void>;
  readonly remove: (path: string) => Promise<void>;
}

const PATHS = ['ring.stl', 'модели/кольцо 17.stl', 'a+b&c=d#1?%2e%20.stl', `it's (*) "quoted"!~/😀.3mf`];

async function opened(answer: Promise<OpenedFile | null>): Promise<OpenedFile> {
  const file = await answer;
  if (!file) throw new Error('expected a file');
  return file;
}

const bytesOf = async (answer: Promise<OpenedFile | null>): Promise<string> =>
  (await buffer((await opened(answer)).body)).toString();

/** What every FileSource keeps, whatever it stores its files in. */
export function fileSourceConformance(name: string, fixture: () => FileSourceFixture): void {
  describe(`${name} as a store of files`, () => {
    test.each(PATHS)('keeps %s under exactly its name', async (path) => {
      const { source, put } = fixture();
      await put(path, Buffer.from(path));
      const metadata = await source.head(path);
      expect(metadata).toMatchObject({ path, size: Buffer.byteLength(path) });
      expect(metadata?.etag).toMatch(/^"[^"]+"$/);
      expect(metadata?.contentType).toMatch(/^model\//);
      expect((metadata?.lastModified ?? 1) % 1000).toBe(0);
      expect(Math.abs((metadata?.lastModified ?? 0) - Date.now())).toBeLessThan(60_000);
      const file = await opened(source.open(path));
      expect(file.metadata).toEqual(metadata);
      expect((await buffer(file.body)).toString()).toBe(path);
    });

    test('says null of what is not there', async () => {
      const { source, put, remove } = fixture();
      await put('gone.stl', Buffer.from('x'));
      await remove('gone.stl');
      for (const path of ['gone.stl', 'never/was.stl', 'gone.stl/below', 'я'.repeat(512)]) {
        expect(await source.head(path)).toBeNull();
        expect(await source.open(path)).toBeNull();
        expect(await source.open(path, { ifMatch: '"x"', range: { start: 0, end: 0 } })).toBeNull();
      }
    });

    test('gives ranges, with the metadata of the whole file', async () => {
      const { source, put } = fixture();
      await put('digits.stl', Buffer.from('0123456789'));
      const metadata = await source.head('digits.stl');
      const part = await opened(source.open('digits.stl', { range: { start: 2, end: 4 } }));
      expect(part.metadata).toEqual(metadata);
      expect((await buffer(part.body)).toString()).toBe('234');
      expect(await bytesOf(source.open('digits.stl', { range: { start: 9, end: 9 } }))).toBe('9');
      expect(await bytesOf(source.open('digits.stl', { range: { start: 8, end: 99 } }))).toBe('89');
      const beyond = source.open('digits.stl', { range: { start: 10, end: 11 } });
      await expect(beyond).rejects.toBeInstanceOf(FileChangedError);
    });

    test('keeps an empty file', async () => {
      const { source, put } = fixture();
      await put('empty.stl', Buffer.alloc(0));
      expect(await source.head('empty.stl')).toMatchObject({ size: 0 });
      expect(await bytesOf(source.open('empty.stl'))).toBe('');
    });

    test('answers with one version only', async () => {
      const { source, put } = fixture();
      await put('versions.stl', Buffer.from('first'));
      const first = await source.head('versions.stl');
      const ifMatch = first?.etag ?? '';
      expect(await bytesOf(source.open('versions.stl', { ifMatch }))).toBe('first');
      await put('versions.stl', Buffer.from('other'));
      expect((await source.head('versions.stl'))?.etag).not.toBe(ifMatch);
      for (const range of [{}, { range: { start: 0, end: 1 } }]) {
        await expect(source.open('versions.stl', { ifMatch, ...range })).rejects.toBeInstanceOf(FileChangedError);
      }
      expect(await bytesOf(source.open('versions.stl'))).toBe('other');
    });

    test('gives up when it is told to, before and while it reads', async () => {
      const { source, put } = fixture();
      await put('large.stl', Buffer.alloc(8 * 1024 * 1024, 'x'));
      const reason = new Error('the reader left');
      await expect(source.open('large.stl', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
      const reader = new AbortController();
      const { body } = await opened(source.open('large.stl', { signal: reader.signal }));
      const reading = buffer(body);
      reader.abort();
      await expect(reading).rejects.toMatchObject({ name: 'AbortError' });
      expect(body.destroyed).toBe(true);
    });

    test('streams a large file whole', async () => {
      const { source, put } = fixture();
      const bytes = Buffer.alloc(3 * 1024 * 1024 + 7, 'solid ring facet normal ');
      await put('large.stl', bytes);
      expect((await buffer((await opened(source.open('large.stl'))).body)).equals(bytes)).toBe(true);
      const range = { start: 1_000_000, end: 2_500_000 };
      const part = await buffer((await opened(source.open('large.stl', { range }))).body);
      expect(part.equals(bytes.subarray(range.start, range.end + 1))).toBe(true);
    });

    test('gives ranges of the version that was named, byte by byte', async () => {
      const { source, put } = fixture();
      const bytes = Buffer.from([...Array(5000).keys()].map((byte) => byte % 251));
      await put('bytes.stl', bytes);
      const ifMatch = (await source.head('bytes.stl'))?.etag ?? '';
      for (const [start, end] of [
        [0, 0],
        [0, 4999],
        [4999, 4999],
        [17, 4242],
        [4990, 9_999_999],
      ] as const) {
        const part = await buffer((await opened(source.open('bytes.stl', { range: { start, end }, ifMatch }))).body);
        expect(part.equals(bytes.subarray(start, end + 1))).toBe(true);
      }
    });

    test('gives up a question when it is told to', async () => {
      const { source } = fixture();
      const reason = new Error('the reader left');
      await expect(source.head('ring.stl', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    });

    test('refuses to presign for a senseless time, or has no URLs at all', async () => {
      const { source } = fixture();
      const presigned = await source.presign('ring.stl', 60);
      if (presigned === null) return;
      await expect(source.presign('ring.stl', 0)).rejects.toBeInstanceOf(GatewayError);
    });
  });
  filePutConformance(name, fixture);
}
