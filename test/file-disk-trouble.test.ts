import { statfsSync } from 'node:fs';
import * as fs from 'node:fs/promises';
import { join } from 'node:path';
import type { DiskTier } from '../src/files/disk/disk-tier.js';
import { systemTime } from '../src/time.js';
import { KIB, MIB, SECOND } from '../src/units.js';
import { openDescriptors } from './support/descriptors.js';
import { bytesOf, Counts, download, filesIn, hashOf, inPieces, openTier, Origin, SLICE } from './support/disk-world.js';
import { mountedDisk, pretendedDisk, type SmallDisk } from './support/small-disk.js';

const DISK = 6 * MIB;
const SIZE = 600 * KIB + 1234;
const hashed = (path: string): string => hashOf(bytesOf(path, 1, SIZE));

/** Both where a file system can be mounted, which needs root; else it says so, and the pretended one has to do. */
function disks(): [string, () => SmallDisk][] {
  const pretended: [string, () => SmallDisk] = ['pretended', pretendedDisk];
  try {
    mountedDisk(DISK).remove();
  } catch (error) {
    console.warn(`NO FILE SYSTEM CAN BE MOUNTED HERE (${String(error)}): disk trouble is only pretended`);
    return [pretended];
  }
  return [['mounted', () => mountedDisk(DISK)], pretended];
}

describe.each(disks())('%s disk', (kind, make) => {
  let small: SmallDisk;
  let folder: string;
  let origin: Origin;
  let counts: Counts;
  let later: number;
  const tiers: DiskTier[] = [];

  beforeEach(() => {
    small = make();
    folder = join(small.root, 'cache');
    origin = new Origin();
    counts = new Counts();
    later = 0;
  });

  afterEach(async () => {
    await Promise.all(tiers.splice(0).map((each) => each.close()));
    const left = [...openDescriptors(small.root), ...(await leftovers())];
    small.remove();
    expect(left).toEqual([]);
  });

  function tier(at = folder): DiskTier {
    const time = { now: () => Date.now() + later, after: systemTime.after };
    const made = openTier(at, origin, counts, { disk: small.disk, time });
    tiers.push(made);
    return made;
  }

  async function leftovers(): Promise<string[]> {
    const files = await filesIn(folder).catch(() => []);
    return files.filter((file) => /^\/(tmp|claims)\//.test(file.slice(folder.length)));
  }

  async function expectHit(one: DiskTier, path: string): Promise<void> {
    const file = origin.put(path, 1, SIZE);
    expect((await download(one, file)).hash).toBe(hashed(path));
    expect(await download(one, file)).toMatchObject({ outcome: 'hit-disk', hash: hashed(path) });
  }

  test('a disk that becomes full: every byte is right, room is made, and it works again by itself', async () => {
    const one = tier();
    await expectHit(one, 'first.stl');
    await small.leave(300 * KIB);
    const files = ['second.stl', 'third.stl'].map((path) => origin.put(path, 1, SIZE));
    for (const { hash, path } of await Promise.all(
      files.flatMap((file) => [file, file]).map(async (file) => ({ path: file.path, ...(await download(one, file)) })),
    )) {
      expect(hash).toBe(hashed(path));
    }
    expect(counts.errors).toBeGreaterThan(0);
    expect(counts.log).toEqual([expect.stringContaining('the disk fails')]);
    await small.leave(4 * MIB);
    later += 3 * SECOND;
    await expectHit(one, 'fourth.stl');
    expect(counts.log).toEqual([expect.anything(), expect.stringContaining('works again')]);
    if (kind === 'mounted') expect(statfsSync(small.root).bavail).toBeGreaterThan(0);
  });

  test('a disk that takes only a part of a write is known to be full: what is cached makes room', async () => {
    const one = tier();
    for (const path of ['a.stl', 'b.stl', 'c.stl']) await expectHit(one, path);
    later += 10 * SECOND;
    // The files that are not in use any more are closed.
    await Promise.all(tiers.splice(0).map((each) => each.close()));
    const two = tier();
    await small.leave(5 * SLICE + 10 * KIB);
    const file = origin.put('d.stl', 1, SIZE);
    expect((await download(two, file)).hash).toBe(hashed('d.stl'));
    while (counts.evictions === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  });

  test('a read-only folder: files come from the store, and from the disk when it can be written again', async () => {
    const first = tier();
    await expectHit(first, 'ring.stl');
    await first.close();
    small.setReadOnly(true);
    const one = tier();
    const [ring, nut] = [origin.put('ring.stl', 1, SIZE), origin.put('nut.stl', 1, SIZE)];
    for (const file of [ring, nut, ring]) {
      expect(await download(one, file)).toMatchObject({ outcome: 'streamed', hash: hashed(file.path) });
    }
    expect(counts.errors).toBeGreaterThan(0);
    small.setReadOnly(false);
    later += 3 * SECOND;
    expect((await download(one, ring)).outcome).toBe('hit-disk');
    await expectHit(one, 'nut.stl');
  });

  test('a folder that is removed during fills: downloads go on, and the next ones make it again', async () => {
    const one = tier();
    let pieces = 0;
    let open = (): void => undefined;
    const gate = new Promise<void>((resolve) => (open = resolve));
    origin.body = inPieces(SLICE, () => ((pieces += 1) > 8 ? gate : Promise.resolve()));
    const files = ['ring.stl', 'nut.stl'].map((path) => origin.put(path, 1, SIZE));
    const downloads = files.flatMap((file) => [download(one, file), download(one, file)]);
    while (pieces < 9) await new Promise((resolve) => setTimeout(resolve, 2));
    await fs.rm(folder, { recursive: true });
    later += 2 * SECOND;
    open();
    const hashes = (await Promise.all(downloads)).map(({ hash }) => hash);
    expect(hashes).toEqual(files.flatMap(({ path }) => [hashed(path), hashed(path)]));
    later += 2 * SECOND;
    await expectHit(one, 'ring.stl');
    expect(await filesIn(folder)).not.toEqual([]);
  });

  test.each(['the folder', 'the folder above it'])('%s is a file: files come from the store until it is gone', async (what) => {
    await fs.writeFile(folder, 'not a folder');
    const one = tier(what === 'the folder' ? folder : join(folder, 'below'));
    const file = origin.put('ring.stl', 1, SIZE);
    expect(await download(one, file)).toMatchObject({ outcome: 'streamed', hash: hashed('ring.stl') });
    expect(counts.errors).toBeGreaterThan(0);
    expect(await fs.readFile(folder, 'utf8')).toBe('not a folder');
    await fs.unlink(folder);
    later += 3 * SECOND;
    await expectHit(one, 'ring.stl');
  });
});
