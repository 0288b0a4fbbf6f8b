import type { FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { SECOND, type Bytes, type EpochMilliseconds } from '../../units.js';
import type { ByteRange } from '../file.js';
import { onDisk } from './disk.js';
import { checksum, dataOffset, HEADER, readRecord, RECORD, SLICE, sliceCount, sliceLength, writeRecord } from './layout.js';
import type { Slices, Version } from './layout.js';
import type { Uses } from './uses.js';

const LOOK_EACH = SECOND;

/**
 * The open file of one version, and what is known of its map. Others may write to the file at the same time, other
 * processes too.
 *
 * Invariant: a slice is readable only after its bytes were written whole (first the bytes, then the record), and only
 * under the identity of its version. All who write a slice write the same bytes to the same place, so the order of
 * writers does not matter; and a reader believes no byte whose checksum it has not verified.
 */
export class SliceFile {
  readonly sliceCount: number;
  /** Readers, runs and others who use the file now; kept by `OpenFiles`. */
  leases = 0;
  lastUsed: EpochMilliseconds = 0;
  /** The file was found to have been removed from the folder. Its bytes stay right. */
  removed = false;
  closed = false;
  private readonly map: Buffer;
  private readonly seed: number;
  private readonly data: Bytes;
  private lookedAt = 0;
  private looking: Promise<void> | undefined;

  /** @param score the file's, or `-Infinity` of one just made */
  constructor(
    readonly id: string,
    readonly version: Version,
    private readonly handle: FileHandle,
    private score: EpochMilliseconds,
  ) {
    this.sliceCount = sliceCount(version.size);
    this.map = Buffer.alloc(this.sliceCount * RECORD);
    this.seed = crc32(id);
    this.data = dataOffset(version.size);
  }

  /** Whether the slice was there when the map was last looked at. */
  has(slice: number): boolean {
    return readRecord(this.map, slice) !== undefined;
  }

  /** The first slice of these that is not there; `undefined`: all are. */
  firstMissing({ first, last }: Slices): number | undefined {
    for (let slice = first; slice <= last; slice += 1) if (!this.has(slice)) return slice;
    return undefined;
  }

  /** Takes over what others have written to the map. @throws DiskTrouble */
  async refresh({ first, last }: Slices): Promise<void> {
    const map = Buffer.alloc((last - first + 1) * RECORD);
    await this.fill(map, HEADER + first * RECORD);
    for (let slice = first; slice <= last; slice += 1) {
      const sum = readRecord(map, slice - first);
      if (sum !== undefined) writeRecord(this.map, slice, sum);
    }
  }

  /**
   * The bytes of up to `count` slices from `first`, as many as are there and right.
   * @returns an empty buffer if the first one is not
   * @throws DiskTrouble
   */
  async read(first: number, count: number): Promise<Buffer> {
    const end = Math.min((first + count) * SLICE, this.version.size);
    const bytes = Buffer.allocUnsafeSlow(end - first * SLICE);
    const got = await this.fill(bytes, this.data + first * SLICE);
    let verified = 0;
    for (let slice = first; verified < bytes.length; slice += 1) {
      const length = sliceLength(this.version.size, slice);
      const part = bytes.subarray(verified, verified + length);
      if (verified + length > got || readRecord(this.map, slice) !== checksum(part, this.seed, slice)) break;
      verified += length;
    }
    return bytes.subarray(0, verified);
  }

  /** The bytes of a range, in one read; `undefined` if not all of its slices are there and right. @throws DiskTrouble */
  async readRange({ start, end }: ByteRange): Promise<Buffer | undefined> {
    const slices = { first: Math.floor(start / SLICE), last: Math.floor(end / SLICE) };
    if (this.firstMissing(slices) !== undefined) return undefined;
    const verified = await this.read(slices.first, slices.last - slices.first + 1);
    const from = slices.first * SLICE;
    return from + verified.length > end ? verified.subarray(start - from, end + 1 - from) : undefined;
  }

  /** Writes whole slices that follow each other; readers see them once this has resolved. @throws DiskTrouble */
  async write(first: number, slices: readonly Buffer[]): Promise<void> {
    const records = Buffer.alloc(slices.length * RECORD);
    slices.forEach((bytes, index) => writeRecord(records, index, checksum(bytes, this.seed, first + index)));
    await onDisk(async () => {
      await this.put(slices, this.data + first * SLICE);
      await this.put([records], HEADER + first * RECORD);
    });
    records.copy(this.map, first * RECORD);
  }

  /** These slices are not there any more, for anybody. @throws DiskTrouble */
  async forget({ first, last }: Slices): Promise<void> {
    const none = Buffer.alloc((last - first + 1) * RECORD);
    none.copy(this.map, first * RECORD);
    await onDisk(() => this.put([none], HEADER + first * RECORD));
  }

  /** Sets `removed` if the file is not in the folder any more, looking at most once a second. @throws DiskTrouble */
  look(now: EpochMilliseconds): Promise<void> {
    if (this.removed || now - this.lookedAt < LOOK_EACH) return this.looking ?? Promise.resolve();
    this.lookedAt = now;
    const look = onDisk(async () => {
      const { nlink, mtimeMs } = await this.handle.stat();
      this.removed = nlink === 0;
      if (this.score !== -Infinity) this.score = Math.max(this.score, mtimeMs);
    });
    this.looking = look.finally(() => (this.looking = undefined));
    return this.looking;
  }

  /** Counts a use of the file. @throws DiskTrouble */
  async use(uses: Uses, now: EpochMilliseconds): Promise<void> {
    const score = uses.count(this.id, this.score, now);
    if (score === undefined) return;
    this.score = score;
    await this.keepScore();
  }

  /** The score is the file's time of modification, which any write sets to the present. @throws DiskTrouble */
  async keepScore(): Promise<void> {
    const seconds = this.score / SECOND;
    if (Number.isFinite(seconds)) await onDisk(() => this.handle.utimes(seconds, seconds));
  }

  close(): Promise<void> {
    this.closed = true;
    return this.handle.close();
  }

  /** How many bytes of `buffer` there were; the rest stays as it is. */
  private fill(buffer: Buffer, position: Bytes): Promise<Bytes> {
    return onDisk(async () => {
      let filled = 0;
      while (filled < buffer.length) {
        const { bytesRead } = await this.handle.read(buffer, filled, buffer.length - filled, position + filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      return filled;
    });
  }

  /** A disk that becomes full takes a part first; only the next write says why. */
  private async put(buffers: readonly Buffer[], position: Bytes): Promise<void> {
    const length = buffers.reduce((sum, each) => sum + each.length, 0);
    const { bytesWritten } = await this.handle.writev(buffers, position);
    if (bytesWritten === length) return;
    if (bytesWritten === 0) throw new Error(`none of ${length} bytes could be written`);
    await this.put([Buffer.concat(buffers).subarray(bytesWritten)], position + bytesWritten);
  }
}
