import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import {
  FileChangedError,
  PutUnconfirmedError,
  type FileMetadata,
  type FileSource,
  type PutOptions,
} from '../../src/files/file.js';
import { KIB, MIB, type Bytes } from '../../src/units.js';
import type { FileSourceFixture } from './file-source.js';

const TYPE = 'model/stl';

type Given = Partial<PutOptions>;

export const hashOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** A body that comes in pieces, and then does what `after` does. */
export function pieces(bytes: Buffer, after?: () => Promise<void>, piece: Bytes = 64 * KIB): Readable {
  const parts = function* (): Generator<Buffer> {
    for (let at = 0; at < bytes.length; at += piece) yield bytes.subarray(at, at + piece);
  };
  return Readable.from(
    (async function* () {
      yield* parts();
      await after?.();
    })(),
    { objectMode: false },
  );
}

async function upload(source: FileSource, path: string, bytes: Buffer, given: Given = {}): Promise<FileMetadata> {
  return (await source.put(path, pieces(bytes), { size: bytes.length, contentType: TYPE, ...given })).metadata;
}

async function contentOf(source: FileSource, path: string): Promise<Buffer | null> {
  const file = await source.open(path);
  return file && buffer(file.body);
}

/** What every FileSource keeps when files are put into it. */
export function filePutConformance(name: string, fixture: () => FileSourceFixture): void {
  describe(`${name} as a store that takes files`, () => {
    test.each([0, 1, 64 * KIB, 5 * MIB + 1])('takes %s bytes, and says what it has then', async (size) => {
      const { source } = fixture();
      const bytes = randomBytes(size);
      const said = await upload(source, 'new folder/кольцо #1?.stl', bytes);
      expect(said).toEqual(await source.head('new folder/кольцо #1?.stl'));
      expect(said).toMatchObject({ path: 'new folder/кольцо #1?.stl', size, contentType: TYPE });
      expect((await contentOf(source, 'new folder/кольцо #1?.stl'))?.equals(bytes)).toBe(true);
    });

    test('makes each put a version of its own', async () => {
      const { source } = fixture();
      const versions = [
        await upload(source, 'ring.stl', Buffer.from('first')),
        await upload(source, 'ring.stl', Buffer.from('other')),
      ];
      expect(versions[0]?.etag).not.toBe(versions[1]?.etag);
      expect(await source.head('ring.stl')).toEqual(versions[1]);
    });

    test('keeps the old file when the body fails, is too short or too long', async () => {
      const { source } = fixture();
      const old = await upload(source, 'ring.stl', Buffer.from('old'));
      const bytes = randomBytes(300 * KIB);
      const failing = (): Promise<void> => Promise.reject(new Error('the client hung up'));
      for (const size of [bytes.length, bytes.length - 1]) {
        const put = source.put('ring.stl', pieces(bytes, failing), { size, contentType: TYPE });
        await expect(put).rejects.toThrow(size === bytes.length ? 'the client hung up' : 'must be');
      }
      for (const size of [0, 1, bytes.length - 1, bytes.length + 1, 10 * MIB]) {
        const put = upload(source, 'ring.stl', bytes, { size });
        await expect(put).rejects.toMatchObject({ code: 'BAD_USER_INPUT', message: expect.stringContaining(`${size} bytes`) });
      }
      await expect(upload(source, 'never.stl', bytes, { size: 10 })).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
      expect(await source.head('ring.stl')).toEqual(old);
      expect(await source.head('never.stl')).toBeNull();
    });

    test('lets go of the body of a put that is refused', async () => {
      const { source } = fixture();
      await upload(source, 'ring.stl', Buffer.from('old'));
      const body = pieces(randomBytes(5 * MIB));
      const put = source.put('ring.stl', body, { size: 5 * MIB, contentType: TYPE, ifNoneMatch: '*' });
      await expect(put).rejects.toBeInstanceOf(FileChangedError);
      expect(body.destroyed).toBe(true);
    });

    test('gives up when it is told to, before and while it takes', async () => {
      const { source } = fixture();
      const old = await upload(source, 'ring.stl', Buffer.from('old'));
      const reason = new Error('the uploader left');
      const bytes = randomBytes(200 * KIB);
      const options = { size: bytes.length, contentType: TYPE };
      const early = pieces(bytes);
      await expect(source.put('ring.stl', early, { ...options, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
      expect(early.destroyed).toBe(true);
      const leaving = new AbortController();
      const endless = pieces(bytes, () => {
        leaving.abort(reason);
        return new Promise(() => undefined);
      });
      await expect(source.put('ring.stl', endless, { ...options, signal: leaving.signal })).rejects.toBe(reason);
      expect(endless.destroyed).toBe(true);
      expect(await source.head('ring.stl')).toEqual(old);
    });

    test('puts only over the version that was named', async () => {
      const { source } = fixture();
      const first = await upload(source, 'ring.stl', Buffer.from('first'));
      const second = await upload(source, 'ring.stl', Buffer.from('second'), { ifMatch: first.etag });
      const late = upload(source, 'ring.stl', Buffer.from('late'), { ifMatch: first.etag });
      await expect(late).rejects.toBeInstanceOf(FileChangedError);
      expect(await source.head('ring.stl')).toEqual(second);
      const nowhere = upload(source, 'never.stl', Buffer.from('late'), { ifMatch: first.etag });
      await expect(nowhere).rejects.toBeInstanceOf(FileChangedError);
    });

    test('says which version each of many at once replaced, and a slow body holds up no other', async () => {
      const { source } = fixture();
      let arrive = (): void => undefined;
      const rest = new Promise<void>((resolve) => (arrive = resolve));
      const begun = Array.from({ length: 4 }, (_, index) => {
        const bytes = Buffer.from(`slow ${index}`);
        return source.put(
          'turns.stl',
          pieces(bytes, () => rest),
          { size: bytes.length, contentType: TYPE },
        );
      });
      const quick = ['first', 'second'].map((text) => () => source.put('turns.stl', pieces(Buffer.from(text)), put(text)));
      const put = (text: string): PutOptions => ({ size: text.length, contentType: TYPE });
      const before = [await quick[0]!(), await quick[1]!()];
      arrive();
      const all = [...before, ...(await Promise.all(begun))];
      // Each replaced what one other had made, or there was none: a chain through all of them.
      const byBefore = new Map(all.map((each) => [each.etagBefore, each.metadata.etag]));
      const chain: string[] = [];
      for (let etag = byBefore.get(null); etag !== undefined && chain.length < all.length; etag = byBefore.get(etag))
        chain.push(etag);
      expect(chain).toHaveLength(all.length);
      expect(chain.slice(0, 2)).toEqual(before.map(({ metadata }) => metadata.etag));
      expect((await source.head('turns.stl'))?.etag).toBe(chain.at(-1));
    });

    test('says which version a put with a condition replaced', async () => {
      const { source } = fixture();
      const options = { size: 4, contentType: TYPE };
      const first = await source.put('condition.stl', pieces(Buffer.from('ring')), { ...options, ifNoneMatch: '*' });
      expect(first.etagBefore).toBeNull();
      const { etag } = first.metadata;
      const second = await source.put('condition.stl', pieces(Buffer.from('bolt')), { ...options, ifMatch: etag });
      expect(second.etagBefore).toBe(etag);
    });

    test.each([
      ['never', 'if there was none', { ifNoneMatch: '*' as const }],
      ['old', 'over one version', {}],
    ])('of several at once lets one put: %s, %s', async (before, _name, given: Given) => {
      const { source } = fixture();
      const condition = before === 'old' ? { ifMatch: (await upload(source, 'ring.stl', Buffer.from(before))).etag } : given;
      const path = before === 'old' ? 'ring.stl' : 'never.stl';
      const puts = await Promise.allSettled(
        [...Array(8).keys()].map((writer) => upload(source, path, Buffer.from(`of writer ${writer}`), condition)),
      );
      const won = puts.flatMap((put, writer) => (put.status === 'fulfilled' ? [writer] : []));
      expect(won).toHaveLength(1);
      const isRefusal = (error: unknown): boolean => error instanceof FileChangedError || error instanceof PutUnconfirmedError;
      // Ceph answers 500 to some of those that lose at the same moment.
      for (const put of puts) if (put.status === 'rejected') expect(isRefusal(put.reason)).toBe(true);
      expect(String(await contentOf(source, path))).toBe(`of writer ${won[0]}`);
    });

    test('shows whoever reads meanwhile the old version whole, or the new one', async () => {
      const { source } = fixture();
      const versions = [...Array(6).keys()].map(() => randomBytes(MIB + 1));
      const known = new Map(versions.map((bytes, index) => [hashOf(bytes), index]));
      await upload(source, 'ring.stl', versions[0]!);
      let writing = true;
      const seen: number[] = [];
      const reader = async (): Promise<void> => {
        for (let newest = 0; writing; seen.push(newest)) {
          const read = known.get(hashOf((await contentOf(source, 'ring.stl'))!));
          expect(read).toBeGreaterThanOrEqual(newest);
          newest = read ?? Infinity;
        }
      };
      const readers = Promise.all([reader(), reader(), reader()]);
      for (const bytes of versions.slice(1)) await upload(source, 'ring.stl', bytes);
      writing = false;
      await readers;
      expect(seen.length).toBeGreaterThan(3);
      expect(hashOf((await contentOf(source, 'ring.stl'))!)).toBe(hashOf(versions.at(-1)!));
    });

    test('lets a slow reader have the version that it opened, or fail', async () => {
      const { source } = fixture();
      const old = randomBytes(6 * MIB);
      await upload(source, 'ring.stl', old);
      const file = await source.open('ring.stl');
      const chunks: Buffer[] = [];
      const reading = (async () => {
        for await (const chunk of file!.body) {
          if (chunks.length === 0) await upload(source, 'ring.stl', randomBytes(6 * MIB));
          chunks.push(chunk as Buffer);
        }
      })();
      await reading.then(
        () => expect(hashOf(Buffer.concat(chunks))).toBe(hashOf(old)),
        () => expect(old.subarray(0, Buffer.concat(chunks).length).equals(Buffer.concat(chunks))).toBe(true),
      );
    });
  });
}
