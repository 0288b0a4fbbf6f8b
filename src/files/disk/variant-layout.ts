import { KIB, type Bytes } from '../../units.js';
import { NoRoom } from './fills.js';
import { SLICE, sliceCount, sliceLength } from './layout.js';
import type { SliceFile } from './slice-file.js';
import type { Space } from './space.js';

/**
 * How long an encoded form is, is known when it has been made. So it lies in a file as large as the version itself, sparse, and
 * shorter than that: 8 bytes with its length, the form, and nothing.
 */
const PREAMBLE: Bytes = 8;
/** What one reader has in memory at a time. */
const PIECE = (256 * KIB) / SLICE;

/** What lies on the disk is no form, or not all of it is as it was written. */
export class CorruptVariant extends Error {
  override readonly name = 'CorruptVariant';
}

export type Room = Pick<Space, 'reserve' | 'wrote' | 'giveBack'>;

/** @throws CorruptVariant, DiskTrouble */
export async function lengthOfVariant(file: SliceFile): Promise<Bytes> {
  const first = await file.read(0, 1);
  const length = first.length < PREAMBLE ? -1 : first.readDoubleLE(0);
  if (Number.isSafeInteger(length) && length > 0 && PREAMBLE + length <= file.version.size) return length;
  throw new CorruptVariant();
}

/** The bytes of a form of that length, verified. @throws CorruptVariant, DiskTrouble */
export async function* piecesOfVariant(file: SliceFile, length: Bytes): AsyncGenerator<Buffer> {
  const end = PREAMBLE + length;
  const slices = sliceCount(end);
  for (let slice = 0; slice < slices; slice += PIECE) {
    const read = await file.read(slice, Math.min(PIECE, slices - slice));
    const from = slice * SLICE;
    const wanted = Math.min(end - from, PIECE * SLICE);
    if (read.length < wanted || (slice === 0 && read.readDoubleLE(0) !== length)) throw new CorruptVariant();
    yield read.subarray(slice === 0 ? PREAMBLE : 0, wanted);
  }
}

/**
 * Writes a form into a file that nobody reads yet, one slice at a time.
 * @returns its length
 * @throws NoRoom, DiskTrouble, and what `encoded` throws
 */
export async function writeVariant(file: SliceFile, encoded: AsyncIterable<Buffer>, room: Room): Promise<Bytes> {
  const { size } = file.version;
  const first = Buffer.alloc(sliceLength(size, 0));
  let current = first;
  let [slice, filled, length] = [0, PREAMBLE, 0];
  for await (const chunk of encoded) {
    for (let taken = 0; taken < chunk.length;) {
      if (filled === current.length) {
        if (slice > 0) await writeSlice(file, slice, current, room);
        slice += 1;
        if (slice === file.sliceCount) throw new Error('an encoded form must be shorter than what it is of');
        current = Buffer.alloc(sliceLength(size, slice));
        filled = 0;
      }
      const copied = chunk.copy(current, filled, taken);
      [filled, taken, length] = [filled + copied, taken + copied, length + copied];
    }
  }
  if (slice > 0) await writeSlice(file, slice, current, room);
  first.writeDoubleLE(length);
  await writeSlice(file, 0, first, room);
  return length;
}

async function writeSlice(file: SliceFile, slice: number, bytes: Buffer, room: Room): Promise<void> {
  if (!(await room.reserve(SLICE))) throw new NoRoom();
  try {
    await file.write(slice, [bytes]);
  } catch (error) {
    room.giveBack(SLICE);
    throw error;
  }
  room.wrote(SLICE);
}
