import { randomInt } from 'node:crypto';
import * as fs from 'node:fs/promises';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DiskTier } from '../src/files/disk/disk-tier.js';
import type { FileMetadata } from '../src/files/file.js';
import { KIB, MIB } from '../src/units.js';
import { openDescriptors } from './support/descriptors.js';
import { blocksIn, bytesOf, Counts, filesIn, openTier, Origin } from './support/disk-world.js';
import { removeFolder, temporaryFolder } from './support/servers/temporary.js';

const SEED = Number(process.env['SEED'] ?? randomInt(1_000_000));
const ACTS = 400;
const PATHS = 8;
const MAX = 1.5 * MIB;

let state = SEED;
const below = (limit: number): number => {
  // mulberry32
  state = (state + 0x6d2b79f5) | 0;
  let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
};
const chance = (part: number): boolean => below(1_000) < part * 1_000;

let folder: string;
let origin: Origin;
const counts = new Counts();
const sizes = new Map<string, { version: number; size: number }>();
const seen = { right: 0, failed: 0, left: 0 };
let wrong = '';

function renew(path: string): FileMetadata {
  const version = (sizes.get(path)?.version ?? 0) + 1;
  const size = 1 + below(chance(0.2) ? 900 * KIB : 300 * KIB);
  sizes.set(path, { version, size });
  return origin.put(path, version, size);
}

/** Sometimes slow, sometimes broken at a random byte. */
function body(bytes: Buffer): Readable {
  const breaksAt = chance(0.1) ? below(bytes.length) : Infinity;
  const pause = chance(0.2) ? 1 : 0;
  // A body that pauses takes seconds at most.
  const piece = 1 + pause * 2_000 + below(90_000);
  async function* pieces(): AsyncGenerator<Buffer> {
    for (let from = 0; from < bytes.length; from += piece) {
      if (pause > 0) await sleep(pause);
      if (from + piece > breaksAt) throw new Error('the connection was reset');
      yield bytes.subarray(from, from + piece);
    }
  }
  return Readable.from(pieces(), { objectMode: false });
}

async function read(tier: DiskTier, file: FileMetadata): Promise<void> {
  const start = chance(0.5) ? 0 : below(file.size);
  const end = chance(0.5) ? file.size - 1 : start + below(file.size - start);
  const truth = bytesOf(file.path, Number(file.etag.slice(1, -1)), file.size).subarray(start, end + 1);
  const leavesAt = chance(0.2) ? below(truth.length) : Infinity;
  const isSlow = chance(0.1);
  let at = 0;
  try {
    const stream = await tier.open(file, { range: { start, end } });
    for await (const chunk of stream.body as AsyncIterable<Buffer>) {
      if (!chunk.equals(truth.subarray(at, at + chunk.length))) wrong ||= `${file.path} ${file.etag} from ${start + at}`;
      at += chunk.length;
      if (at >= leavesAt) return void (seen.left += 1);
      if (isSlow) await sleep(3);
    }
    if (at !== truth.length) wrong ||= `${file.path} ${file.etag}: ${at} of ${truth.length} bytes passed for all`;
    seen.right += 1;
  } catch {
    seen.failed += 1;
  }
}

/** Overwrites, cuts off or removes something of what is on disk. */
async function damage(): Promise<void> {
  const files = (await filesIn(folder)).filter((file) => file.length > folder.length + 64);
  const file = files[below(files.length)];
  if (file === undefined) return;
  try {
    if (chance(0.15)) return await fs.unlink(file);
    const { size } = await fs.stat(file);
    if (chance(0.2)) return await fs.truncate(file, below(size));
    const handle = await fs.open(file, 'r+');
    const noise = Buffer.alloc(1 + below(40), below(256));
    await handle
      .write(noise, 0, noise.length, chance(0.5) ? below(Math.min(size, 4200)) : below(size))
      .finally(() => handle.close());
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

beforeAll(() => {
  console.log(`SEED=${SEED}`);
  folder = temporaryFolder();
  origin = new Origin();
  origin.body = body;
});

afterAll(() => removeFolder(folder));

test('whatever happens, every byte is of its version; nothing is left behind', async () => {
  const open = (): DiskTier => openTier(folder, origin, counts, { max: MAX, fileMax: 800 * KIB });
  const tiers = [open(), open(), open()];
  const files = Array.from({ length: PATHS }, (_, index) => renew(`part-${index}.stl`));
  const busy = new Set<Promise<void>>();
  const track = (act: Promise<void>): void => {
    const tracked: Promise<void> = act.finally(() => busy.delete(tracked));
    busy.add(tracked);
  };
  const isEventful = (): boolean => counts.corrupt > 0 && counts.evictions > 0;
  for (let act = 0; act < ACTS || (!isEventful() && act < 5 * ACTS); act += 1) {
    const index = below(PATHS);
    const file = files[index] as FileMetadata;
    if (chance(0.05)) files[index] = renew(file.path);
    else if (chance(0.1)) track(damage());
    else if (chance(0.02)) track((tiers.splice(below(3), 1, open())[0] as DiskTier).close());
    else track(read(tiers[below(3)] as DiskTier, file));
    if (busy.size > 20) await Promise.race(busy);
    else if (chance(0.3)) await sleep(1);
  }
  await Promise.all(busy);
  expect(wrong).toBe('');
  expect(await blocksIn(folder)).toBeLessThanOrEqual(MAX);
  await Promise.all(tiers.map((tier) => tier.close()));
  console.log({
    ...seen,
    corrupt: counts.corrupt,
    evictions: counts.evictions,
    errors: counts.errors,
    reads: origin.reads.length,
  });
  expect(seen.right).toBeGreaterThan(ACTS / 3);
  expect(counts.corrupt).toBeGreaterThan(0);
  expect(counts.evictions).toBeGreaterThan(0);
  expect(openDescriptors(folder)).toEqual([]);
  expect((await filesIn(folder)).filter((file) => file.length < folder.length + 64 || /claims/.test(file))).toEqual([]);
});
