import type { Bytes } from '../../units.js';
import { evictionOrder, type KeptFile } from './score.js';
import type { FileMetrics } from './metrics.js';

/** The newest files, up to this part of the space, are evicted last. */
const WINDOW_PART = 1 / 10;

export interface SpaceParts {
  readonly max: Bytes;
  readonly metrics: Pick<FileMetrics, 'evicted' | 'diskBytes'>;
  /** All that is in the folder. @throws DiskTrouble */
  readonly scan: () => Promise<{ readonly files: readonly KeptFile[]; readonly bytes: Bytes }>;
  /** Not to be evicted: removing an open file would free nothing. */
  readonly isInUse: (id: string) => boolean;
  /** @throws DiskTrouble */
  readonly remove: (id: string) => Promise<void>;
}

/**
 * How much of the disk the tier uses, and what is evicted when it becomes too much. What is used is counted by a scan of
 * the folder; own writes in between are added. Since other processes write too, each scans again after it has written a
 * 64th of `max`, and stays a 16th below `max`: so up to four processes together keep to `max` at any time, and more of
 * them after their next scans.
 */
export class Space {
  private scanned: Bytes = 0;
  private written: Bytes = 0;
  private reserved: Bytes = 0;
  private running: Promise<void> | undefined;
  private queued: Promise<void> | undefined;
  private shrinking: Promise<void> | undefined;
  private closed = false;
  private readonly high: Bytes;
  private readonly low: Bytes;

  constructor(private readonly parts: SpaceParts) {
    this.high = parts.max - parts.max / 16;
    this.low = parts.max - parts.max / 8;
  }

  /** On the disk, as far as this process knows. */
  get used(): Bytes {
    return this.scanned + this.written;
  }

  /** Sets `bytes` aside, evicting if need be. False: there is no room. @throws DiskTrouble */
  async reserve(bytes: Bytes): Promise<boolean> {
    if (bytes + this.reserved > this.low) return false;
    this.reserved += bytes;
    let fits = false;
    try {
      if (this.isOver) await this.sweep();
      fits = !this.isOver;
    } finally {
      if (!fits) this.reserved -= bytes;
    }
    return fits;
  }

  /** `bytes` that were set aside are not needed. */
  giveBack(bytes: Bytes): void {
    this.reserved -= bytes;
  }

  /** `bytes` that were set aside are on the disk now. */
  wrote(bytes: Bytes): void {
    this.reserved -= bytes;
    this.written += bytes;
    this.parts.metrics.diskBytes(this.used);
    if (this.written > this.parts.max / 64 && !this.running) this.sweep().catch(() => undefined);
  }

  /** Counts what is there and evicts what is too much. Whoever comes during one gets the next. @throws DiskTrouble */
  sweep(): Promise<void> {
    if (this.running) {
      const next = (): Promise<void> => {
        this.queued = undefined;
        return this.sweep();
      };
      return (this.queued ??= this.running.then(next, next));
    }
    this.running = this.sweepOnce().finally(() => (this.running = undefined));
    return this.running;
  }

  /**
   * The disk has less room than `max` says: frees an eighth of what is used. Whoever finds it full meanwhile waits for the same.
   * @throws DiskTrouble
   */
  shrink(): Promise<void> {
    return (this.shrinking ??= this.shrinkOnce().finally(() => (this.shrinking = undefined)));
  }

  async close(): Promise<void> {
    this.closed = true;
    await (this.queued ?? this.running)?.catch(() => undefined);
  }

  private get isOver(): boolean {
    return this.used + this.reserved > this.high;
  }

  private async shrinkOnce(): Promise<void> {
    const { files } = await this.parts.scan();
    await this.evict(files, this.used / 8);
  }

  private async sweepOnce(): Promise<void> {
    if (this.closed) return;
    const before = this.written;
    const { files, bytes } = await this.parts.scan();
    this.scanned = bytes;
    this.written -= before;
    this.parts.metrics.diskBytes(this.used);
    if (this.isOver) await this.evict(files, this.used + this.reserved - this.low);
  }

  private async evict(files: readonly KeptFile[], bytes: Bytes): Promise<void> {
    let left = bytes;
    for (const file of evictionOrder(files, this.parts.max * WINDOW_PART)) {
      if (left <= 0 || this.closed) return;
      if (this.parts.isInUse(file.id)) continue;
      await this.parts.remove(file.id);
      this.parts.metrics.evicted();
      this.scanned -= file.bytes;
      this.parts.metrics.diskBytes(this.used);
      left -= file.bytes;
    }
  }
}
