import type { Time } from '../../time.js';
import { SECOND } from '../../units.js';
import type { Folder } from './folder.js';
import { identityOf, type Version } from './layout.js';
import type { SliceFile } from './slice-file.js';

const IDLE_MAX = 128;
const CLOSE_AFTER = 5 * SECOND;

interface Opening {
  readonly create: boolean;
  readonly ready: Promise<SliceFile | null>;
  file?: SliceFile;
}

/**
 * The files of the tier that are open, so that a file in demand is opened once. Each is open as long as somebody has a
 * lease on it, and some seconds longer.
 */
export class OpenFiles {
  private readonly openings = new Map<string, Opening>();
  /** In the order of their last use. */
  private readonly idle = new Set<SliceFile>();
  private readonly ending = new Set<Promise<unknown>>();
  private cancelTick: (() => void) | undefined;
  private closed = false;

  constructor(
    private readonly folder: Pick<Folder, 'open'>,
    private readonly time: Time,
  ) {}

  /**
   * The file of a version as it is in the folder now, with a lease on it that `release` ends.
   * @param create whether it is made if it is not there
   * @throws DiskTrouble
   */
  async acquire(version: Version, create: boolean): Promise<SliceFile | null> {
    const id = identityOf(version);
    for (;;) {
      const opening = this.openings.get(id) ?? this.begin(id, version, create);
      const file = await opening.ready;
      if (!file && (opening.create || !create)) return null;
      if (!file || file.closed) continue;
      this.lease(file);
      if (await this.isCurrent(file)) return file;
      this.drop(file);
      this.release(file);
    }
  }

  /** One more lease on a file that the caller has one on. */
  lease(file: SliceFile): void {
    file.leases += 1;
    this.idle.delete(file);
  }

  release(file: SliceFile): void {
    file.leases -= 1;
    if (file.leases > 0) return;
    file.lastUsed = this.time.now();
    this.idle.add(file);
    const [oldest] = this.idle;
    if (this.closed || file.removed) this.end(file);
    else if (oldest && this.idle.size > IDLE_MAX) this.end(oldest);
    else this.cancelTick ??= this.time.after(CLOSE_AFTER, () => this.tick());
  }

  /** This process removed the file from the folder. Whoever has a lease goes on with it. */
  forget(id: string): void {
    const file = this.openings.get(id)?.file;
    if (!file) return;
    file.removed = true;
    this.drop(file);
    if (file.leases === 0) this.end(file);
  }

  /** Whether somebody here uses the file. */
  isLeased(id: string): boolean {
    return (this.openings.get(id)?.file?.leases ?? 0) > 0;
  }

  /** Ends what is idle now, and everything else at the end of its last lease. */
  async close(): Promise<void> {
    this.closed = true;
    this.cancelTick?.();
    for (const file of [...this.idle]) this.end(file);
    await Promise.all(this.ending);
  }

  private async isCurrent(file: SliceFile): Promise<boolean> {
    try {
      await file.look(this.time.now());
    } catch (error) {
      this.release(file);
      throw error;
    }
    return !file.removed;
  }

  private begin(id: string, version: Version, create: boolean): Opening {
    const open = async (): Promise<SliceFile | null> => {
      try {
        const file = await this.folder.open(version, create);
        if (file) opening.file = file;
        else this.openings.delete(id);
        return file;
      } catch (error) {
        this.openings.delete(id);
        throw error;
      }
    };
    const opening: Opening = { create, ready: open() };
    this.openings.set(id, opening);
    return opening;
  }

  private tick(): void {
    this.cancelTick = undefined;
    const before = this.time.now() - CLOSE_AFTER;
    for (const file of [...this.idle]) if (file.lastUsed <= before) this.end(file);
    if (this.idle.size > 0) this.cancelTick = this.time.after(CLOSE_AFTER, () => this.tick());
  }

  /** The next who wants this version looks into the folder again. */
  private drop(file: SliceFile): void {
    if (this.openings.get(file.id)?.file === file) this.openings.delete(file.id);
  }

  private end(file: SliceFile): void {
    this.idle.delete(file);
    this.drop(file);
    const ended: Promise<unknown> = file.close().then(
      () => this.ending.delete(ended),
      () => this.ending.delete(ended),
    );
    this.ending.add(ended);
  }
}
