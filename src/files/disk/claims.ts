import path from 'node:path';
import type { Time } from '../../time.js';
import { makeFolders } from '../../make-folders.js';
import { MINUTE, SECOND, type EpochMilliseconds } from '../../units.js';
import { codeOf, ifThere, onDisk, type Disk } from './disk.js';
import type { Slices } from './layout.js';

export const CLAIMS_FOLDER = 'claims';
const BEAT_EACH = SECOND;
/** A claim without a sign of life for so long is of a process that is gone or stopped. */
const STALE_AFTER = 3 * SECOND;
export const ABANDONED_AFTER = MINUTE;

/** A run of another process. */
export interface ForeignClaim extends Slices {
  readonly name: string;
}

/** A claim of this process. Two of its runs may have the same slices, when some of the first one's were lost meanwhile. */
interface OwnClaim {
  runs: number;
  readonly stopBeating: () => void;
  /** While it is being removed. */
  ending?: Promise<void>;
}

/**
 * Who reads what from the origin, told to other processes of the host: a file `claims/<id>-<first>-<last>` for each
 * run, whose time of modification is the sign of life. Claims save reads of the origin; nothing that is right depends on them.
 */
export class Claims {
  private readonly own = new Map<string, OwnClaim>();
  private readonly folder: string;

  constructor(
    private readonly disk: Disk,
    folder: string,
    private readonly time: Time,
  ) {
    this.folder = path.join(folder, CLAIMS_FOLDER);
  }

  /**
   * @returns what gives the claim back; `null` if another process has the same one
   * @throws DiskTrouble
   */
  async take(id: string, { first, last }: Slices): Promise<(() => Promise<void>) | null> {
    const name = `${id}-${first}-${last}`;
    await this.own.get(name)?.ending;
    const own = this.own.get(name) ?? (await this.create(name));
    if (!own) return null;
    own.runs += 1;
    return () => this.giveBack(name, own);
  }

  /** The live claims of other processes on slices of `id`, in their order. Stale ones are removed. @throws DiskTrouble */
  others(id: string): Promise<ForeignClaim[]> {
    return onDisk(async () => {
      const names = (await ifThere(this.disk.readdir(this.folder))) ?? [];
      const claims = names.filter((name) => name.startsWith(`${id}-`) && !this.own.has(name)).map(toClaim);
      const alive = await Promise.all(claims.map((claim) => this.isAlive(claim)));
      return claims.filter((_claim, index) => alive[index]).sort((a, b) => a.first - b.first);
    });
  }

  /** Removes a claim that shows no sign of life. @throws DiskTrouble */
  isAlive({ name }: ForeignClaim): Promise<boolean> {
    return onDisk(async () => {
      const stats = await ifThere(this.disk.stat(this.at(name)));
      if (!stats) return false;
      // One in the future is of a time before the clock was set back.
      if (Math.abs(this.time.now() - stats.mtimeMs) < STALE_AFTER) return true;
      await ifThere(this.disk.unlink(this.at(name)));
      return false;
    });
  }

  /** @returns `undefined` if another process has it */
  private create(name: string): Promise<OwnClaim | undefined> {
    return onDisk(async () => {
      try {
        await this.write(name);
      } catch (error) {
        if (codeOf(error) === 'EEXIST') return undefined;
        throw error;
      }
      const own: OwnClaim = { runs: 0, stopBeating: this.keepAlive(name) };
      this.own.set(name, own);
      return own;
    });
  }

  private keepAlive(name: string): () => void {
    let cancel = (): void => undefined;
    const beat = (): void => {
      const now: EpochMilliseconds = this.time.now();
      this.disk.utimes(this.at(name), now / SECOND, now / SECOND).catch(() => undefined);
      cancel = this.time.after(BEAT_EACH, beat);
    };
    cancel = this.time.after(BEAT_EACH, beat);
    return () => cancel();
  }

  private async giveBack(name: string, own: OwnClaim): Promise<void> {
    own.runs -= 1;
    if (own.runs > 0) return;
    own.stopBeating();
    // What cannot be removed goes stale.
    const removed = this.disk.unlink(this.at(name)).catch(() => undefined);
    own.ending = removed.then(() => void this.own.delete(name));
    await own.ending;
  }

  private async write(name: string): Promise<void> {
    const handle = await this.disk.open(this.at(name), 'wx', 0o600).catch(async (error: unknown) => {
      if (codeOf(error) !== 'ENOENT') throw error;
      await makeFolders(this.folder, 0o700, this.disk);
      return this.disk.open(this.at(name), 'wx', 0o600);
    });
    await handle.close();
  }

  private at(name: string): string {
    return path.join(this.folder, name);
  }
}

function toClaim(name: string): ForeignClaim {
  const [, first = '', last = ''] = name.split('-');
  return { name, first: Number(first), last: Number(last) };
}
