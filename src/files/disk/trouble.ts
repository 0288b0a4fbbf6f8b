import type { Time } from '../../time.js';
import { SECOND, type EpochMilliseconds } from '../../units.js';
import type { DiskTrouble } from './disk.js';
import type { FileMetrics } from './metrics.js';

/** How long nothing is written after the disk failed. */
const PAUSE = 2 * SECOND;

export interface TroubleLog {
  warn(fields: object, message: string): void;
  info(message: string): void;
}

/** Whether the disk takes writes, told to the log when it changes. */
export class Trouble {
  private until: EpochMilliseconds = 0;
  private isKnown = false;

  constructor(
    private readonly time: Time,
    private readonly log: TroubleLog,
    private readonly metrics: Pick<FileMetrics, 'diskError'>,
  ) {}

  get isWritable(): boolean {
    return this.time.now() >= this.until;
  }

  failed(error: DiskTrouble): void {
    this.metrics.diskError();
    this.until = this.time.now() + PAUSE;
    if (!this.isKnown) this.log.warn({ err: error.cause }, 'file cache: the disk fails; files come from the store');
    this.isKnown = true;
  }

  /** What was under way when the disk failed may still succeed: that says nothing. */
  worked(): void {
    if (!this.isKnown || !this.isWritable) return;
    this.log.info('file cache: the disk works again');
    this.isKnown = false;
  }
}
