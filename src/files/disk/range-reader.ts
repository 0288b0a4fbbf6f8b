import type { Readable } from 'node:stream';
import { sourceUnavailable } from '../../errors.js';
import type { Time } from '../../time.js';
import { KIB, SECOND, type Bytes, type Milliseconds } from '../../units.js';
import { FileChangedError, type ByteRange, type FileSource } from '../file.js';
import { DiskTrouble } from './disk.js';
import { NoRoom, type Fills, type Interest } from './fills.js';
import { SLICE, type Version } from './layout.js';
import type { FileMetrics } from './metrics.js';
import type { SliceFile } from './slice-file.js';

/**
 * Where the bytes of a download come from: `hit-disk`, all of them were there; `filled`, from a read of the origin that was
 * started for it; `joined`, from one that somebody else had under way; `streamed`, from the origin past the disk.
 */
export type DiskOutcome = 'hit-disk' | 'filled' | 'joined' | 'streamed';

/** What one client has in memory at a time. */
const CHUNK: Bytes = 256 * KIB;

/** A client that takes nothing for so long keeps no file from being evicted, and no run going. */
const PATIENCE: Milliseconds = 10 * SECOND;

/** A lease on a version's file, and what comes into it. */
export interface LeasedFile {
  readonly file: SliceFile;
  readonly fills: Fills;
  readonly release: () => void;
}

export interface ReaderParts {
  readonly source: Pick<FileSource, 'open'>;
  readonly metrics: FileMetrics;
  /** The file as it is in the folder now; `null` if there is none to be used. @throws DiskTrouble */
  readonly lease: (version: Version) => Promise<LeasedFile | null>;
  /** The version is gone from the origin. */
  readonly discard: (file: SliceFile) => void;
  readonly diskFailed: (error: DiskTrouble) => void;
  readonly time: Pick<Time, 'after'>;
}

/**
 * Reads a range of a version for one client: what is on disk from there, verified; what is not, as soon as a run has
 * brought it; and when the disk cannot be used, the rest from the origin.
 */
export class RangeReader {
  private position: Bytes;
  private readonly end: Bytes;
  private readonly abort = new AbortController();
  private readonly interest: Interest;
  private leased: LeasedFile | undefined;
  private loseInterest: (() => void) | undefined;
  private cancelPatience: (() => void) | undefined;
  private passing: AsyncIterator<Buffer> | undefined;
  private body: Readable | undefined;
  /** Where the last trouble was: a second one at the same place is not met with another attempt. */
  private corruptAt = -1;
  private failedAt = -1;

  constructor(
    private readonly version: Version,
    range: ByteRange,
    private readonly parts: ReaderParts,
  ) {
    this.position = range.start;
    this.end = range.end + 1;
    this.interest = { next: Math.floor(range.start / SLICE), last: Math.floor(range.end / SLICE) };
  }

  /**
   * Finds out where the bytes will come from, and that they can come from there.
   * @throws FileChangedError if the origin is needed and does not have the version any more
   */
  async start(): Promise<DiskOutcome> {
    const outcome = await this.orPass(() => this.begin());
    this.waitForClient();
    return outcome ?? 'streamed';
  }

  /** From here on from the origin. @throws FileChangedError if it does not have the version any more */
  async pass(): Promise<void> {
    this.letGo();
    const { path, etag, size } = this.version;
    const isWhole = this.position === 0 && this.end === size;
    const range = { start: this.position, end: this.end - 1 };
    const options = { ifMatch: etag, signal: this.abort.signal };
    const opened = await this.parts.source.open(path, isWhole ? options : { ...options, range });
    if (this.abort.signal.aborted) opened?.body.destroy();
    this.abort.signal.throwIfAborted();
    if (!opened) throw new FileChangedError('the file is gone');
    this.parts.metrics.originRead();
    // What breaks it is told by its iterator; after the last byte nobody asks.
    this.body = opened.body.on('error', () => undefined);
    this.passing = (opened.body as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  }

  /** The next bytes; `null` at the end. @throws FileChangedError, GatewayError SOURCE_UNAVAILABLE */
  async next(): Promise<Buffer | null> {
    this.cancelPatience?.();
    while (this.position < this.end && !this.abort.signal.aborted) {
      const bytes = this.passing ? await this.nextPassing(this.passing) : await this.orPass(() => this.nextFromDisk());
      if (!bytes) continue;
      this.position += bytes.length;
      this.waitForClient();
      return bytes;
    }
    return null;
  }

  /** Lets go of everything, at any time. */
  close(): void {
    this.body?.destroy();
    this.abort.abort();
    this.letGo();
  }

  private async begin(): Promise<DiskOutcome> {
    const slices = { first: this.interest.next, last: this.interest.last };
    for (;;) {
      const { file, fills } = await this.lease();
      if (file.firstMissing(slices) !== undefined) await file.refresh(slices);
      const missing = file.firstMissing(slices);
      if (missing === undefined) return 'hit-disk';
      const coming = await fills.coming(missing, slices.last);
      await coming?.production.opened;
      // What was stopped, because its last reader left, says nothing of the origin.
      if (!coming?.production.stopped || file.has(missing)) return coming?.started ? 'filled' : 'joined';
    }
  }

  private async nextPassing(body: AsyncIterator<Buffer>): Promise<Buffer> {
    const { done, value } = (await body.next()) as IteratorResult<Buffer, undefined>;
    if (done) throw sourceUnavailable('file store', new Error(`the body ended at byte ${this.position} of ${this.end}`));
    this.parts.metrics.originBytes(value.length);
    this.parts.metrics.served('origin', value.length);
    return value;
  }

  private async nextFromDisk(): Promise<Buffer | undefined> {
    const leased = await this.lease();
    const slice = Math.floor(this.position / SLICE);
    if (!leased.file.has(slice)) {
      await this.waitFor(leased, slice);
      return undefined;
    }
    this.interest.next = slice;
    const count = Math.min(CHUNK / SLICE, this.interest.last - slice + 1);
    const present = (leased.file.firstMissing({ first: slice, last: slice + count - 1 }) ?? slice + count) - slice;
    const read = await leased.file.read(slice, present);
    if (read.length === 0) {
      await this.corrupt(leased, slice);
      return undefined;
    }
    const from = slice * SLICE;
    const bytes = read.subarray(this.position - from, this.end - from);
    this.parts.metrics.served('disk', bytes.length);
    return bytes;
  }

  /** Waits until the slice is there, or what was to bring it has ended. */
  private async waitFor({ file, fills }: LeasedFile, slice: number): Promise<void> {
    const coming = await fills.coming(slice, this.interest.last);
    if (!coming) return;
    const { production } = coming;
    while (!file.has(slice) && !production.ended && production.next <= slice) await production.changed;
    if (file.has(slice) || production.failure === undefined) return;
    if (this.failedAt === slice || production.failure instanceof FileChangedError) throw production.failure;
    if (production.failure instanceof DiskTrouble) throw new NoRoom();
    this.failedAt = slice;
  }

  /** A slice that is wrong again after it was brought anew is left to the origin. */
  private async corrupt({ file }: LeasedFile, slice: number): Promise<void> {
    this.parts.metrics.corruptSlice();
    if (this.corruptAt === slice) throw new DiskTrouble(new Error(`slice ${slice} does not stay as it was written`));
    this.corruptAt = slice;
    await file.forget({ first: slice, last: slice });
  }

  private async orPass<T>(read: () => Promise<T>): Promise<T | undefined> {
    try {
      return await read();
    } catch (error) {
      if (this.abort.signal.aborted) throw error;
      if (error instanceof FileChangedError && this.leased) this.parts.discard(this.leased.file);
      if (error instanceof DiskTrouble) this.parts.diskFailed(error);
      else if (!(error instanceof NoRoom)) throw error;
    }
    await this.pass();
    return undefined;
  }

  /** A file that was evicted is used for what is there; what is missing is for its successor. */
  private async lease(): Promise<LeasedFile> {
    const slice = Math.floor(this.position / SLICE);
    if (this.leased && (!this.leased.file.removed || this.leased.file.has(slice))) return this.leased;
    this.letGo();
    const leased = await this.parts.lease(this.version);
    if (!leased) throw new NoRoom();
    if (this.abort.signal.aborted) leased.release();
    this.abort.signal.throwIfAborted();
    this.leased = leased;
    this.loseInterest = leased.fills.want(this.interest);
    return leased;
  }

  /** The file is leased again when the client goes on; if it was evicted meanwhile, the bytes come as for any other reader. */
  private waitForClient(): void {
    if (this.leased) this.cancelPatience = this.parts.time.after(PATIENCE, () => this.letGo());
  }

  private letGo(): void {
    this.cancelPatience?.();
    this.loseInterest?.();
    this.leased?.release();
    this.loseInterest = undefined;
    this.leased = undefined;
  }
}
