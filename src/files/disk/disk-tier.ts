import * as fs from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { sourceUnavailable } from '../../errors.js';
import type { Time } from '../../time.js';
import { GIB, MINUTE, type Bytes } from '../../units.js';
import { untilAborted } from '../../until-aborted.js';
import type { FileMetadata, FileSource, OpenedFile, OpenOptions } from '../file.js';
import { ReadyBody } from '../ready-body.js';
import { readAtOnce } from './at-once.js';
import { Claims } from './claims.js';
import type { Disk, DiskTrouble } from './disk.js';
import { Fills, type FillsParts } from './fills.js';
import { Folder } from './folder.js';
import type { Version } from './layout.js';
import type { FileMetrics } from './metrics.js';
import { OpenFiles } from './open-files.js';
import { rangeBody } from './range-body.js';
import { RangeReader, type DiskOutcome, type LeasedFile, type ReaderParts } from './range-reader.js';
import { scan } from './scan.js';
import type { SliceFile } from './slice-file.js';
import { Space } from './space.js';
import { Trouble, type TroubleLog } from './trouble.js';
import { VariantFiles } from './variant-files.js';
import { Uses } from './uses.js';

/** The map of a file is kept in memory while it is open: 8 MiB for this size. */
const LARGEST: Bytes = 64 * GIB;
const SCAN_EACH = MINUTE;

export interface DiskTierOptions {
  /** Made when it is needed. Shared with all processes of the host that name the same one. */
  readonly folder: string;
  /** For all files together; 0: nothing is kept. */
  readonly max: Bytes;
  /** For one file; larger ones pass through. */
  readonly fileMax: Bytes;
  readonly source: Pick<FileSource, 'open'>;
  readonly time: Time;
  readonly log: TroubleLog;
  readonly metrics: FileMetrics;
  readonly disk?: Disk;
}

/** The bytes of a version. Whoever opens it consumes or destroys `body`. */
export interface DiskStream extends OpenedFile {
  readonly outcome: DiskOutcome;
}

/** A cache of files on disk, in slices; docs/architecture.md#the-disk-tier. */
export class DiskTier {
  /** Encoded forms of the files. */
  readonly variants: VariantFiles;
  private readonly files: OpenFiles;
  private readonly fills = new WeakMap<SliceFile, Fills>();
  private readonly folder: Folder;
  private readonly space: Space;
  private readonly trouble: Trouble;
  private readonly uses = new Uses();
  private readonly parts: FillsParts & Pick<DiskTierOptions, 'metrics'>;
  private readonly readerParts: ReaderParts;
  private readonly readers = new Set<RangeReader>();
  private readonly bodies = new Set<Readable>();
  private readonly work = new Set<Promise<unknown>>();
  private cancelScan: (() => void) | undefined;
  private closed = false;

  constructor(private readonly options: DiskTierOptions) {
    const { folder: root, max, time, metrics, disk = fs, source, log } = options;
    this.folder = new Folder(disk, root);
    this.trouble = new Trouble(time, log, metrics);
    this.files = new OpenFiles(this.folder, time);
    this.space = new Space({
      max,
      metrics,
      scan: () => scan(disk, root, time.now()),
      isInUse: (id) => this.files.isLeased(id),
      remove: (id) => this.remove(id),
    });
    this.parts = {
      source,
      metrics,
      time,
      files: this.files,
      space: this.space,
      claims: new Claims(disk, root, time),
      track: (work) => void this.track(work),
      isWritable: () => this.trouble.isWritable && !this.closed,
      diskFailed: (error) => this.diskFailed(error),
      diskWorked: () => this.trouble.worked(),
    };
    this.readerParts = {
      ...this.parts,
      lease: (version) => this.lease(version),
      discard: (file) => void this.remove(file.id).catch(() => undefined),
    };
    this.variants = new VariantFiles({
      ...this.parts,
      folder: this.folder,
      remove: (id) => this.remove(id),
      countUse: (file) => void file.use(this.uses, time.now()).catch(() => undefined),
    });
    if (max > 0) this.scanOften();
  }

  /**
   * The bytes of exactly the version that `metadata` names, or a range inside of it: a `ReadyBody` if they are few and all
   * here. What fails after this has resolved breaks the stream.
   * @throws FileChangedError if bytes are missing here and the origin does not have that version any more
   * @throws the signal's reason when given up
   */
  async open(metadata: FileMetadata, { range, signal }: Pick<OpenOptions, 'range' | 'signal'> = {}): Promise<DiskStream> {
    signal?.throwIfAborted();
    const wanted = range ?? { start: 0, end: metadata.size - 1 };
    const bytes = await this.track(readAtOnce(metadata, wanted, this.readerParts));
    signal?.throwIfAborted();
    if (bytes) return { metadata, outcome: 'hit-disk', body: new ReadyBody(bytes) };
    const reader = new RangeReader(metadata, wanted, this.readerParts);
    this.readers.add(reader);
    try {
      const outcome = await untilAborted(reader.start(), signal);
      if (this.closed) throw sourceUnavailable('file cache');
      return { metadata, outcome, body: this.bodyOf(reader, signal) };
    } catch (error) {
      this.letGo(reader);
      throw this.closed ? sourceUnavailable('file cache', error) : error;
    }
  }

  /** Ends all runs and all downloads that still go on, and closes all files. */
  async close(): Promise<void> {
    this.closed = true;
    this.cancelScan?.();
    for (const body of this.bodies) body.destroy(sourceUnavailable('file cache'));
    this.variants.close();
    // Runs end when nobody wants anything of them.
    for (const reader of this.readers) this.letGo(reader);
    while (this.work.size > 0) await Promise.all(this.work);
    await this.files.close();
    await this.space.close();
  }

  private async lease(version: Version): Promise<LeasedFile | null> {
    const { max, fileMax, time } = this.options;
    if (max === 0 || this.closed || version.size === 0 || version.size > Math.min(fileMax, LARGEST)) return null;
    const file = await this.files.acquire(version, this.trouble.isWritable);
    if (!file) return null;
    file.use(this.uses, time.now()).catch(() => undefined);
    let fills = this.fills.get(file);
    if (!fills) this.fills.set(file, (fills = new Fills(file, this.parts)));
    return { file, fills, release: () => this.files.release(file) };
  }

  private bodyOf(reader: RangeReader, signal: AbortSignal | undefined): Readable {
    const body = rangeBody(reader, signal, () => {
      this.letGo(reader);
      this.bodies.delete(body);
    });
    this.bodies.add(body);
    return body;
  }

  private letGo(reader: RangeReader): void {
    this.readers.delete(reader);
    reader.close();
  }

  /** `close` waits for it. */
  private track<T>(work: Promise<T>): Promise<T> {
    const tracked: Promise<unknown> = work.then(
      () => this.work.delete(tracked),
      () => this.work.delete(tracked),
    );
    this.work.add(tracked);
    return work;
  }

  private async remove(id: string): Promise<void> {
    await this.folder.remove(id);
    this.files.forget(id);
  }

  private diskFailed(error: DiskTrouble): void {
    this.trouble.failed(error);
    if (error.code === 'ENOSPC' && !this.closed) this.space.shrink().catch(() => undefined);
  }

  private scanOften(): void {
    this.space.sweep().catch(() => undefined);
    this.cancelScan = this.options.time.after(SCAN_EACH, () => this.scanOften());
  }
}
