import { Readable } from 'node:stream';
import { createMemoryStore } from '../src/cache/keyv-store.js';
import { ReadThrough } from '../src/cache/read-through.js';
import { sourceUnavailable } from '../src/errors.js';
import { FileChangedError, type FileSource } from '../src/files/file.js';
import { fileTokenKey } from '../src/files/keys.js';
import { files } from '../src/loaders/entities.js';
import { fileFill } from '../src/loaders/file-fill.js';
import { MIB, MINUTE, SECOND } from '../src/units.js';
import { cacheParts } from './support/cache-parts.js';
import { SILENT } from './support/cache-world.js';
import { FakeTime } from './support/fake-time.js';

const PATH = 'ring.stl';
const INLINE = 100;

/** A store of one file that notes what it is asked. */
class FileStore implements Pick<FileSource, 'head' | 'open'> {
  readonly asked: string[] = [];
  file: { etag: string; text: string; lastModified?: number } | null = { etag: '"1"', text: 'one' };

  head() {
    this.asked.push('head');
    return Promise.resolve(this.metadata());
  }

  open(_path: string, { ifMatch }: { ifMatch?: string } = {}) {
    this.asked.push('open');
    const metadata = this.metadata();
    if (metadata?.etag !== ifMatch) return Promise.reject(new FileChangedError());
    return Promise.resolve(metadata && { metadata, body: Readable.from([Buffer.from(this.file!.text)]) });
  }

  take(): string[] {
    return this.asked.splice(0);
  }

  private metadata() {
    if (!this.file) return null;
    const { etag, text, lastModified = 0 } = this.file;
    return { path: PATH, size: text.length, contentType: 'model/stl', etag, lastModified };
  }
}

function cacheOn(source: FileStore, store = createMemoryStore(MIB), time = new FakeTime()) {
  const parts = cacheParts(store, time);
  const entity = files(fileFill(source, INLINE, time.now), { ttl: MINUTE, absentTtl: 5 * SECOND });
  const cache = new ReadThrough(entity, parts);
  const read = async (): Promise<string> => {
    const [answer] = await cache.readMany([PATH], SILENT);
    await cache.flush();
    const { value, outcome } = answer!;
    return `${value ? `${value.metadata.etag} ${value.bytes?.toString() ?? '-'}` : 'none'}, ${outcome}`;
  };
  return { read, renew: () => parts.renewals.renew([fileTokenKey(PATH)]), time, store };
}

describe('the bytes of a small file', () => {
  test('are not read again after they expired, when the store has the same version', async () => {
    const source = new FileStore();
    const { read, time } = cacheOn(source);
    expect(await read()).toBe('"1" one, filled');
    expect(source.take()).toEqual(['head', 'open']);
    time.advance(MINUTE);
    expect(await read()).toBe('"1" one, filled');
    expect(await read()).toBe('"1" one, hit-memory');
    expect(source.take()).toEqual(['head']);
  });

  test('nor after a change was announced that was none', async () => {
    const source = new FileStore();
    const { read, renew } = cacheOn(source);
    await read();
    source.take();
    await renew();
    expect(await read()).toBe('"1" one, filled');
    expect(source.take()).toEqual(['head']);
  });

  test('nor when another process has them', async () => {
    const source = new FileStore();
    const one = cacheOn(source);
    await one.read();
    source.take();
    await one.renew();
    expect(await cacheOn(source, one.store, one.time).read()).toBe('"1" one, filled');
    expect(source.take()).toEqual(['head']);
  });

  test.each([
    ['another version', '"1"', '"2"'],
    ['a weak ETag, which says nothing of bytes', 'W/"1"', 'W/"1"'],
  ])('are read again: %s', async (_name, before, after) => {
    const source = new FileStore();
    const { read, renew } = cacheOn(source);
    source.file = { etag: before, text: 'one' };
    await read();
    source.take();
    source.file = { etag: after, text: 'two' };
    await renew();
    expect(await read()).toBe(`${after} two, filled`);
    expect(source.take()).toEqual(['head', 'open']);
  });

  test('are read again when they had been read too soon after a change to tell it from the next one', async () => {
    const source = new FileStore();
    const { read, renew, time } = cacheOn(source);
    const changed = time.now();
    for (const [age, asked] of [
      [1999, ['head', 'open']],
      [2000, ['head', 'open']],
      [2001, ['head']],
    ] as const) {
      source.file = { etag: '"1"', text: 'one', lastModified: changed };
      time.advance(changed + age - time.now());
      await renew();
      await read();
      expect(source.take()).toEqual(asked);
    }
  });

  test('are read when there were none of that version', async () => {
    const source = new FileStore();
    const { read, renew } = cacheOn(source);
    source.file = { etag: '"1"', text: 'x'.repeat(INLINE + 1) };
    expect(await read()).toBe('"1" -, filled');
    source.file = { etag: '"1"', text: 'short' };
    await renew();
    expect(await read()).toBe('"1" short, filled');
  });
});

describe('that there is no such file', () => {
  test('is believed for a short time', async () => {
    const source = new FileStore();
    const { read, time } = cacheOn(source);
    source.file = null;
    expect(await read()).toBe('none, filled');
    source.file = { etag: '"1"', text: 'one' };
    time.advance(4 * SECOND);
    expect(await read()).toBe('none, hit-memory');
    expect(source.take()).toEqual(['head']);
    time.advance(SECOND);
    expect(await read()).toBe('"1" one, filled');
  });

  test('ends at once when the file is announced', async () => {
    const source = new FileStore();
    const one = cacheOn(source);
    const other = cacheOn(source, one.store, one.time);
    source.file = null;
    expect([await one.read(), await other.read()]).toEqual(['none, filled', 'none, hit-store']);
    source.file = { etag: '"1"', text: 'one' };
    await one.renew();
    expect(await other.read()).toBe('"1" one, filled');
    expect(await one.read()).toBe('"1" one, hit-store');
  });

  test('is not what a failing store says', async () => {
    const source = new FileStore();
    const { read } = cacheOn(source);
    source.head = () => Promise.reject(sourceUnavailable('file store'));
    await expect(read()).rejects.toMatchObject({ code: 'SOURCE_UNAVAILABLE' });
  });
});
