import * as fs from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Claims } from '../src/files/disk/claims.js';
import type { DiskTier } from '../src/files/disk/disk-tier.js';
import { HEADER, identityOf, RECORD } from '../src/files/disk/layout.js';
import { FileChangedError, type OpenedFile } from '../src/files/file.js';
import { systemTime } from '../src/time.js';
import { HOUR, MIB, SECOND } from '../src/units.js';
import { bytesOf, Counts, download, filesIn, hashOf, inPieces, openTier, Origin, SLICE } from './support/disk-world.js';
import { until } from './support/race.js';
import { removeFolder, temporaryFolder } from './support/servers/temporary.js';

const SLICES = 32;
const SIZE = SLICES * SLICE;
const V1 = hashOf(bytesOf('ring.stl', 1, SIZE));
let folder: string;
let origin: Origin;
const tiers: DiskTier[] = [];

beforeEach(() => {
  folder = temporaryFolder();
  origin = new Origin();
});

afterEach(async () => {
  await Promise.all(tiers.splice(0).map((each) => each.close()));
  expect(await claims()).toEqual([]);
  removeFolder(folder);
});

function tier(): DiskTier {
  const made = openTier(folder, origin, new Counts(), { max: 64 * MIB });
  tiers.push(made);
  return made;
}

async function claims(): Promise<string[]> {
  return (await filesIn(folder)).filter((file) => file.startsWith(join(folder, 'claims')));
}

test('a claim of a dead process is not waited for, also when the clock was set back since', async () => {
  const file = origin.put('ring.stl', 1, SIZE);
  await fs.mkdir(join(folder, 'claims'));
  const claim = join(folder, 'claims', `${identityOf(file)}-0-${SLICES - 1}`);
  await fs.writeFile(claim, '');
  const ahead = (Date.now() + HOUR) / SECOND;
  await fs.utimes(claim, ahead, ahead);
  expect(await download(tier(), file)).toMatchObject({ outcome: 'filled', hash: V1 });
});

test("another process's run that is past a slice is not waited for when that slice was lost", async () => {
  const file = origin.put('ring.stl', 1, SIZE);
  let open = (): void => undefined;
  const gate = new Promise<void>((resolve) => (open = resolve));
  let pieces = 0;
  origin.body = inPieces(SLICE, () => ((pieces += 1) > 20 ? gate : Promise.resolve()));
  const filling = download(tier(), file);
  await until('the run waits', () => pieces > 20);
  const id = identityOf(file);
  const onDisk = await fs.open(join(folder, id.slice(0, 2), id), 'r+');
  await onDisk.write(Buffer.alloc(RECORD), 0, RECORD, HEADER + 5 * RECORD);
  await onDisk.close();
  origin.body = inPieces();
  const range = { start: 5 * SLICE, end: 6 * SLICE - 1 };
  const lost = await download(tier(), file, range);
  expect(lost.hash).toBe(hashOf(bytesOf('ring.stl', 1, SIZE).subarray(range.start, range.end + 1)));
  expect(origin.reads.at(-1)?.range).toEqual(range);
  open();
  expect((await filling).hash).toBe(V1);
});

test('a claim that two runs share ends with the second one', async () => {
  const shared = new Claims(fs, folder, systemTime);
  const [first, second] = [await shared.take('a', { first: 0, last: 3 }), await shared.take('a', { first: 0, last: 3 })];
  await first?.();
  expect(await claims()).toHaveLength(1);
  const [, third] = await Promise.all([second?.(), shared.take('a', { first: 0, last: 3 })]);
  expect(await claims()).toHaveLength(1);
  await third?.();
});

test('whoever comes while a run ends that nobody wanted is told what the origin says to him', async () => {
  const file = origin.put('ring.stl', 1, SIZE);
  const asked: ((error: Error) => void)[] = [];
  origin.open = () => new Promise<OpenedFile | null>((_resolve, reject) => asked.push(reject));
  const one = tier();
  const client = new AbortController();
  const left = one.open(file, { signal: client.signal });
  await until('the first read', () => asked.length === 1);
  client.abort(new Error('gone'));
  await expect(left).rejects.toThrow('gone');
  const second = one.open(file);
  second.catch(() => undefined);
  await sleep(20);
  asked[0]?.(new Error('aborted'));
  await until('the second read', () => asked.length === 2);
  asked[1]?.(new FileChangedError());
  await expect(second).rejects.toThrow(FileChangedError);
});

test('a tier that closes waits for nobody who still waits for the origin', async () => {
  const file = origin.put('ring.stl', 1, SIZE);
  let isAsked = false;
  origin.open = (_path, options) => {
    isAsked = true;
    return new Promise((_resolve, reject) => options?.signal?.addEventListener('abort', () => reject(new Error('aborted'))));
  };
  const one = tier();
  const opening = one.open(file);
  const told = expect(opening).rejects.toMatchObject({ code: 'SOURCE_UNAVAILABLE' });
  const late = one.open(origin.put('nut.stl', 1, SIZE));
  const lateTold = expect(late).rejects.toMatchObject({ code: 'SOURCE_UNAVAILABLE' });
  await until('the read', () => isAsked);
  await one.close();
  await told;
  await lateTold;
  expect(await claims()).toEqual([]);
});
