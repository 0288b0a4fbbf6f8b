import * as fs from 'node:fs/promises';
import { join } from 'node:path';
import { ABANDONED_AFTER } from '../src/files/disk/claims.js';
import { scan } from '../src/files/disk/scan.js';
import { KIB, MIB, SECOND, type Bytes } from '../src/units.js';
import { startDiskProcess, type DiskProcess } from './support/disk-process.js';
import { startSharedOrigin, type SharedOrigin } from './support/disk-origin.js';
import { blocksIn, bytesOf, filesIn, hashOf, SLICE } from './support/disk-world.js';
import { until } from './support/race.js';
import { removeFolder, temporaryFolder } from './support/servers/temporary.js';

const SIZE = 2 * MIB + 1234;
const V1 = hashOf(bytesOf('ring.stl', 1, SIZE));
let root: string;
let folder: string;
let origin: SharedOrigin;
const processes: DiskProcess[] = [];

beforeEach(async () => {
  root = temporaryFolder();
  folder = join(root, 'cache');
  origin = await startSharedOrigin();
});

afterEach(async () => {
  await Promise.all(processes.splice(0).map((each) => each.stop()));
  await origin.close();
  removeFolder(root);
});

async function start(max?: Bytes): Promise<DiskProcess> {
  const logFile = join(root, 'processes.log');
  const made = await startDiskProcess(folder, { url: origin.url, logFile, ...(max !== undefined && { max }) });
  processes.push(made);
  return made;
}

/** What is neither a file of the tier nor in the folder for long. */
async function leftovers(): Promise<string[]> {
  return (await filesIn(folder)).filter((file) => /^\/(tmp|claims)\//.test(file.slice(folder.length)));
}

test('a process is killed while it fills: the reader of another one goes on where it was', async () => {
  const file = origin.put('ring.stl', 1, SIZE);
  const [filling, following] = await Promise.all([start(), start()]);
  origin.stopAt = 20 * SLICE + 30_000;
  const first = filling.read(file);
  await until('the fill began', () => first.outcome === 'filled');
  const second = following.read(file);
  await until('all that has come is seen', () => second.length === 20 * SLICE);
  expect(second.outcome).toBe('joined');
  await filling.kill();
  await expect(first.hash).rejects.toThrow('ended');
  expect(await leftovers()).toHaveLength(1);
  await until('somebody else reads', () => origin.reads.length === 2);
  origin.stopAt = Infinity;
  expect(await second.hash).toBe(V1);
  expect(origin.reads[1]).toEqual({ start: 20 * SLICE, end: SIZE - 1 });
  expect(origin.bytes).toBe(SIZE + 30_000);
  await following.stop();
  expect(await leftovers()).toEqual([]);
});

test('a process is killed while it fills and nobody follows: the next one brings only the rest; what it left goes', async () => {
  const file = origin.put('ring.stl', 1, SIZE);
  const killed = await start();
  origin.stopAt = 20 * SLICE + 30_000;
  const broken = killed.read(file);
  await until('the fill is under way', () => broken.length === 20 * SLICE);
  await fs.writeFile(join(folder, 'tmp', 'half'), Buffer.alloc(64 * KIB));
  await killed.kill();
  origin.stopAt = Infinity;
  expect(await (await start()).read(file).hash).toBe(V1);
  expect(origin.bytes).toBe(SIZE + 30_000);
  // It was taken over together with its claim; what else is there goes when it is old.
  expect(await leftovers()).toEqual([join(folder, 'tmp', 'half')]);
  expect((await scan(fs, folder, Date.now() + ABANDONED_AFTER + SECOND)).bytes).toBeLessThan(SIZE + 64 * KIB);
  expect(await leftovers()).toEqual([]);
});

test('after a kill and a restart with a full cache nothing is read again', async () => {
  const files = Array.from({ length: 6 }, (_, index) => origin.put(`part-${index}.stl`, 1, 300 * KIB + index));
  const first = await start();
  await Promise.all(files.map((file) => first.read(file).hash));
  await first.kill();
  const reads = origin.reads.length;
  const second = await start();
  for (const file of files) {
    const download = second.read(file);
    expect(await download.hash).toBe(hashOf(bytesOf(file.path, 1, file.size)));
    expect(download.outcome).toBe('hit-disk');
  }
  expect(origin.reads).toHaveLength(reads);
});

test('two processes evict at the same time: the space is kept to, and every byte is right', async () => {
  const max = 2 * MIB;
  const both = await Promise.all([start(max), start(max)]);
  let most = 0;
  for (let round = 0; round < 6; round += 1) {
    const files = Array.from({ length: 4 }, (_, index) => origin.put(`part-${round}-${index}.stl`, 1, 200 * KIB));
    const downloads = both.flatMap((each) => files.map(async (file) => ({ file, hash: await each.read(file).hash })));
    for (const { file, hash } of await Promise.all(downloads)) expect(hash).toBe(hashOf(bytesOf(file.path, 1, file.size)));
    most = Math.max(most, await blocksIn(folder));
  }
  expect(most).toBeLessThanOrEqual(max);
  expect(most).toBeGreaterThan(max / 2);
  for (const { counts } of both) expect(counts.errors).toBe(0);
  expect(both[0].counts.evictions + both[1].counts.evictions).toBeGreaterThan(0);
  await Promise.all(both.map((each) => each.stop()));
  expect(await leftovers()).toEqual([]);
});
