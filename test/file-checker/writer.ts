import { between, pick, type Random } from '../../src/embedded/random.js';
import { KIB, MIB, type Bytes } from '../../src/units.js';
import { rest } from '../checker/rest.js';
import { announce, type Channel } from './announce.js';
import { acknowledge, write, type Changing } from './changing.js';
import { currentOf, type FileHistory } from './history.js';
import type { Instance } from './instance.js';
import { begin, fail, read } from './reader.js';
import { wishNext } from './requests.js';
import { upload } from './upload.js';
import { pickUp, type Settler, type World } from './world.js';

/** The store of the tests never gives back what replaced files had above this size, and would be full soon. */
const HUGE: Bytes = 4 * MIB - 4 * KIB;
const HUGE_SHARE = 0.1;

type Way = Channel | 'upload' | 'nobody';

/** Changes files until the check is over. */
export async function runWriter(world: World, settler: Settler, random: Random): Promise<void> {
  while (!world.over.aborted) {
    const free = world.files.filter((file) => !file.busy && (random() < HUGE_SHARE || (currentOf(file)?.size ?? 0) <= HUGE));
    const instance = pickUp(world, random);
    if (instance && free.length > 0) await changeAny(world, settler, instance, pick(random, free), random);
    await rest(between(random, 10, 200), world.over);
  }
}

/** Writes the first version of every file. */
export async function writeFirst({ files, sizes, store }: World): Promise<void> {
  for (const [index, file] of files.entries()) await write(store, file, sizes[index]);
}

async function changeAny(world: World, settler: Settler, instance: Instance, file: FileHistory, random: Random): Promise<void> {
  const before = currentOf(file)?.size;
  const isRemoved = before !== undefined && random() < 0.1;
  const size = isRemoved ? undefined : nextSize(world, file, before, random);
  const ways: Way[] = ['fileChanged', 'fileChanged', 'nobody'];
  if (world.has.events) ways.push('event', 'event');
  if (world.has.upload && !isRemoved) ways.push('upload', 'upload');
  await change({ world, settler, instance, file, random }, pick(random, ways), size);
}

/** Mostly the same one, so that nothing but the bytes tells versions apart. */
function nextSize({ files, sizes }: World, file: FileHistory, before: Bytes | undefined, random: Random): Bytes {
  if (before !== undefined && random() < 0.7) return before;
  const size = sizes[files.indexOf(file)] ?? 1;
  return Math.max(1, size + between(random, -Math.min(2_000, Math.floor(size / 3)), 2_000));
}

/** One change, among reads of the file that began before it, and others that begin when it is acknowledged. */
export async function change(changing: Changing, way: Way, size: Bytes | undefined): Promise<void> {
  const { world, file, random } = changing;
  file.busy = true;
  const readers = (share: number): Promise<unknown>[] =>
    world.instances.filter(({ isUp }) => isUp && random() < share).map((each) => read(world, each, file, wishNext(file, random)));
  const reading = readers(0.6);
  const onAcknowledged = (): void => void reading.push(...readers(0.8));
  try {
    if (way === 'upload' && size !== undefined) await upload({ ...changing, onAcknowledged }, size);
    else await writeAndTell({ ...changing, onAcknowledged }, way === 'upload' ? 'nobody' : way, size);
  } finally {
    file.busy = false;
  }
  await Promise.all([...reading, ...readers(0.2)]);
}

/** A change among no other reads of the file than those that go on anyway. */
export async function replace(changing: Changing, way: Channel, size: Bytes): Promise<void> {
  changing.file.busy = true;
  await writeAndTell(changing, way, size).finally(() => (changing.file.busy = false));
}

async function writeAndTell(changing: Changing, way: Channel | 'nobody', size: Bytes | undefined): Promise<void> {
  const { world, instance, file, random } = changing;
  const version = await write(world.store, file, size);
  world.report.changed(size === undefined ? `removed, told by ${way}` : `written, told by ${way}`);
  if (way === 'nobody') return;
  if (random() < 0.3) await rest(between(random, 1, 300), world.over);
  const asking = begin(world, instance);
  const answer = await announce(world, instance, way, { path: file.path, isRemoved: size === undefined }, random);
  const asked = asking();
  if (answer === true) acknowledge(changing, version, asked.by, asked.storeAnswered);
  // Whoever cannot be sure that it is known does not acknowledge it.
  else if (asked.storeAnswered) fail(world, instance, file, asked, `${way} of ${file.path}: ${answer}`);
}
