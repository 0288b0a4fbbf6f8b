import * as fs from 'node:fs/promises';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DiskTier } from '../src/files/disk/disk-tier.js';
import { dataOffset } from '../src/files/disk/layout.js';
import { FileChangedError } from '../src/files/file.js';
import { KIB, MIB } from '../src/units.js';
import { openDescriptors } from './support/descriptors.js';
import { bytesOf, Counts, download, filesIn, hashOf, inPieces, openTier, Origin, SLICE } from './support/disk-world.js';
import { removeFolder, temporaryFolder } from './support/servers/temporary.js';

const SIZE = 2 * MIB + 1234;
const V1 = hashOf(bytesOf('ring.stl', 1, SIZE));
let folder: string;
let origin: Origin;
let counts: Counts;
const tiers: DiskTier[] = [];

function tier(options: Parameters<typeof openTier>[3] = {}): DiskTier {
  const made = openTier(folder, origin, counts, options);
  tiers.push(made);
  return made;
}

beforeEach(() => {
  folder = temporaryFolder();
  origin = new Origin();
  counts = new Counts();
});

afterEach(async () => {
  await Promise.all(tiers.splice(0).map((each) => each.close()));
  expect(openDescriptors(folder)).toEqual([]);
  const left = await filesIn(folder).catch(() => []);
  expect(left.filter((file) => /^\/(tmp|claims)\//.test(file.slice(folder.length)))).toEqual([]);
  removeFolder(folder);
});

/** The one file of the tier. */
async function onlyFile(): Promise<string> {
  const [file, ...others] = await filesIn(folder);
  expect(others).toEqual([]);
  return file ?? '';
}

async function overwrite(position: number, bytes: Buffer): Promise<void> {
  const handle = await fs.open(await onlyFile(), 'r+');
  await handle.write(bytes, 0, bytes.length, position);
  await handle.close();
}

test('a cold file is read once, a hot one not at all', async () => {
  const file = origin.put('ring.stl', 1, SIZE);
  const one = tier();
  expect(await download(one, file)).toMatchObject({ outcome: 'filled', hash: V1 });
  expect(await download(one, file)).toMatchObject({ outcome: 'hit-disk', hash: V1 });
  expect(origin.reads).toEqual([{ path: 'ring.stl', range: undefined }]);
  expect(counts.bytes).toEqual({ memory: 0, disk: 2 * SIZE, origin: 0 });
});

test('many clients of two processes on one cold file: one read, and each gets all bytes', async () => {
  const file = origin.put('ring.stl', 1, SIZE);
  const both = [tier(), tier()];
  const downloads = await Promise.all(Array.from({ length: 60 }, (_, index) => download(both[index % 2] as DiskTier, file)));
  for (const { hash } of downloads) expect(hash).toBe(V1);
  expect(origin.bytes).toBe(SIZE);
  expect(downloads.filter(({ outcome }) => outcome === 'filled')).toHaveLength(1);
  expect(downloads.filter(({ outcome }) => outcome === 'joined')).toHaveLength(59);
});

test('a range of a cold file brings its slices, and the whole file later only the gaps', async () => {
  const file = origin.put('ring.stl', 1, SIZE);
  const one = tier();
  const range = { start: SLICE + 17, end: 3 * SLICE };
  expect(await download(one, file, range)).toMatchObject({
    outcome: 'filled',
    hash: hashOf(bytesOf('ring.stl', 1, SIZE).subarray(SLICE + 17, 3 * SLICE + 1)),
  });
  expect(origin.reads.at(-1)?.range).toEqual({ start: SLICE, end: 4 * SLICE - 1 });
  expect((await download(one, file, { start: 2 * SLICE, end: 2 * SLICE })).outcome).toBe('hit-disk');
  expect((await download(one, file)).hash).toBe(V1);
  expect(origin.reads.slice(1).map((read) => read.range)).toEqual([
    { start: 0, end: SLICE - 1 },
    { start: 4 * SLICE, end: SIZE - 1 },
  ]);
  expect(origin.bytes).toBe(SIZE);
});

test('after a restart the file is there', async () => {
  const file = origin.put('ring.stl', 1, SIZE);
  const first = tier();
  await download(first, file);
  await first.close();
  expect((await download(tier(), file)).outcome).toBe('hit-disk');
});

test('a client that leaves does not stop the others, and the last one to leave stops the read', async () => {
  const file = origin.put('ring.stl', 1, SIZE);
  let release = (): void => undefined;
  const gate = new Promise<void>((resolve) => (release = resolve));
  let pieces = 0;
  origin.body = inPieces(SLICE, () => ((pieces += 1) > 4 ? gate : Promise.resolve()));
  const one = tier();
  const leaving = await one.open(file);
  const staying = await one.open(file);
  leaving.body.destroy();
  release();
  expect((await buffer(staying.body)).equals(bytesOf('ring.stl', 1, SIZE))).toBe(true);
  expect(origin.reads).toHaveLength(1);

  const other = origin.put('nut.stl', 1, SIZE);
  let ended = false;
  const hasEnded = (): boolean => ended;
  origin.body = (bytes) => inPieces(SLICE, () => sleep(5))(bytes).on('close', () => (ended = true));
  const alone = await one.open(other);
  alone.body.destroy();
  while (!hasEnded()) await sleep(5);
  expect(origin.bytes).toBeLessThan(2 * SIZE);
});

test('a client that does not read keeps nobody waiting and holds two pieces of memory at most', async () => {
  const file = origin.put('ring.stl', 1, SIZE);
  const one = tier();
  const slow = await one.open(file);
  slow.body.once('readable', () => undefined);
  expect((await download(one, file)).hash).toBe(V1);
  expect(slow.body.readableLength).toBeLessThanOrEqual(512 * KIB);
  expect((await buffer(slow.body)).equals(bytesOf('ring.stl', 1, SIZE))).toBe(true);
  expect(origin.bytes).toBe(SIZE);
});

test.each([
  ['a byte of a slice', (): Promise<void> => overwrite(dataOffset(SIZE) + 2 * SLICE + 5, Buffer.of(0x5a, 0x5b, 0x5c))],
  ['a record', (): Promise<void> => overwrite(4 * KIB + 8 * 2 + 1, Buffer.of(0x5a))],
  ['the end', async (): Promise<void> => fs.truncate(await onlyFile(), dataOffset(SIZE) + 3 * SLICE + 7)],
])('%s that was damaged is found and brought again', async (_what, damage) => {
  const file = origin.put('ring.stl', 1, SIZE);
  const first = tier();
  await download(first, file);
  await damage();
  expect((await download(first, file)).hash).toBe(V1);
  expect((await download(tier(), file)).hash).toBe(V1);
  const readAgain = origin.bytes - SIZE;
  await download(tier(), file);
  expect(origin.bytes - SIZE).toBe(readAgain);
});

test.each([
  ['a bit of the header', (): Promise<void> => overwrite(20, Buffer.of(0xff))],
  ['the whole header', (): Promise<void> => overwrite(0, Buffer.alloc(4 * KIB))],
])('%s that was damaged makes the file worthless', async (_what, damage) => {
  const file = origin.put('ring.stl', 1, SIZE);
  await download(tier(), file);
  await damage();
  expect(await download(tier(), file)).toMatchObject({ outcome: 'filled', hash: V1 });
});

test('two versions of one path never mix', async () => {
  const one = tier();
  const old = origin.put('ring.stl', 1, SIZE);
  await download(one, old, { start: 0, end: SLICE });
  const renewed = origin.put('ring.stl', 2, SIZE);
  await expect(one.open(old)).rejects.toThrow(FileChangedError);
  expect((await download(one, renewed)).hash).toBe(hashOf(bytesOf('ring.stl', 2, SIZE)));
});

test('a file that is replaced while it is read breaks the downloads and leaves nothing', async () => {
  const file = origin.put('ring.stl', 1, SIZE);
  async function* replaced(): AsyncGenerator<Buffer> {
    for (const version of [1, 2, 2]) yield bytesOf('ring.stl', version, SLICE);
    await sleep(20);
    throw new FileChangedError();
  }
  origin.body = () => Readable.from(replaced(), { objectMode: false });
  const one = tier();
  await expect(download(one, file)).rejects.toThrow(FileChangedError);
  origin.body = inPieces();
  expect((await download(one, file)).hash).toBe(V1);
  expect(origin.reads).toHaveLength(2);
});

test('a read that breaks once is taken up where it broke; one that goes on breaking fails', async () => {
  const file = origin.put('ring.stl', 1, SIZE);
  let breaks = 1;
  origin.body = (bytes) => {
    const body = inPieces(SLICE)((breaks -= 1) >= 0 ? bytes.subarray(0, 20 * SLICE) : bytes);
    return body;
  };
  expect((await download(tier(), file)).hash).toBe(V1);
  expect(origin.reads.map(({ range }) => range?.start)).toEqual([undefined, 20 * SLICE]);
  const other = origin.put('nut.stl', 1, SIZE);
  breaks = Infinity;
  origin.body = (bytes) => inPieces(SLICE)(bytes.subarray(0, 100));
  await expect(download(tier(), other)).rejects.toMatchObject({ code: 'SOURCE_UNAVAILABLE' });
});

test('larger files than the tier takes, and all files without one, pass through', async () => {
  const file = origin.put('ring.stl', 1, SIZE);
  for (const each of [tier({ fileMax: SIZE - 1 }), tier({ max: 0 }), tier({ max: SIZE })]) {
    expect(await download(each, file)).toMatchObject({ outcome: 'streamed', hash: V1 });
  }
  expect(await download(tier(), origin.put('empty.stl', 1, 0))).toMatchObject({ length: 0 });
});

test('whoever gives up is told so at once, also while the origin does not answer', async () => {
  const file = origin.put('ring.stl', 1, SIZE);
  const open = origin.open;
  let given: AbortSignal | undefined;
  origin.open = (_path, options) => {
    given = options?.signal;
    return new Promise((_resolve, reject) => options?.signal?.addEventListener('abort', () => reject(new Error('aborted'))));
  };
  const client = new AbortController();
  const one = tier();
  const opening = one.open(file, { signal: client.signal });
  while (!given) await sleep(2);
  client.abort(new Error('gone'));
  await expect(opening).rejects.toThrow('gone');
  expect(given.aborted).toBe(true);
  origin.open = open;
  expect((await download(one, file)).outcome).not.toBe('streamed');
});
