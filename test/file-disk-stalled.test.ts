import type { DiskTier } from '../src/files/disk/disk-tier.js';
import { MIB, SECOND } from '../src/units.js';
import { openDescriptors } from './support/descriptors.js';
import { bytesOf, Counts, download, hashOf, openTier, Origin } from './support/disk-world.js';
import { FakeTime } from './support/fake-time.js';
import { removeFolder, temporaryFolder } from './support/servers/temporary.js';

const SIZE = 10 * MIB;

let folder: string;
let origin: Origin;
let time: FakeTime;
let tier: DiskTier;

beforeEach(() => {
  folder = temporaryFolder();
  origin = new Origin();
  time = new FakeTime();
  tier = openTier(folder, origin, new Counts(), { max: 16 * MIB, time });
});

afterEach(async () => {
  await tier.close();
  expect(openDescriptors(folder)).toEqual([]);
  removeFolder(folder);
});

test('a client that takes nothing keeps its file for ten seconds; when it goes on it gets the same version', async () => {
  const [slow, other] = [origin.put('slow.stl', 1, SIZE), origin.put('other.stl', 1, SIZE)];
  await download(tier, slow);
  const { body } = await tier.open(slow);
  const pieces = body[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  const first = (await pieces.next()).value as Buffer;

  expect(await download(tier, other)).toMatchObject({ outcome: 'streamed' });
  time.advance(11 * SECOND);
  expect(await download(tier, other)).toMatchObject({ outcome: 'filled' });
  expect(await download(tier, other)).toMatchObject({ outcome: 'hit-disk' });

  const rest: Buffer[] = [first];
  for (let piece = await pieces.next(); !piece.done; piece = await pieces.next()) rest.push(piece.value);
  expect(hashOf(Buffer.concat(rest))).toBe(hashOf(bytesOf('slow.stl', 1, SIZE)));
});

test('its version gone meanwhile, the download fails, and never goes on with another one', async () => {
  const [slow, other] = [origin.put('slow.stl', 1, SIZE), origin.put('other.stl', 1, SIZE)];
  await download(tier, slow);
  const { body } = await tier.open(slow);
  const pieces = body[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  await pieces.next();
  expect(await download(tier, other)).toMatchObject({ outcome: 'streamed' });
  time.advance(11 * SECOND);
  expect(await download(tier, other)).toMatchObject({ outcome: 'filled' });
  origin.put('slow.stl', 2, SIZE);
  const all = async (): Promise<void> => {
    while (!(await pieces.next()).done);
  };
  await expect(all()).rejects.toThrow();
});
