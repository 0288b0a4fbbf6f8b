import { MIB } from '../../units.js';
import type { Claims, ForeignClaim } from './claims.js';
import { Follower } from './follower.js';
import { SLICE, type Slices } from './layout.js';
import type { OpenFiles } from './open-files.js';
import { Run, type RunParts } from './run.js';
import type { SliceFile } from './slice-file.js';
import type { Space } from './space.js';

/** Whoever is further than this behind a run's place reads for himself rather than wait. */
const JOIN_WITHIN = (8 * MIB) / SLICE;

/** The tier has no room for what is to be read, and can make none. */
export class NoRoom extends Error {
  override readonly name = 'NoRoom';
}

/** What a reader still wants. */
export interface Interest {
  next: number;
  readonly last: number;
}

export interface FillsParts extends Omit<RunParts, 'wrote'> {
  readonly files: OpenFiles;
  readonly claims: Claims;
  readonly space: Space;
  readonly diskWorked: () => void;
  /** False while the disk is not to be written to. */
  readonly isWritable: () => boolean;
  /** Told of everything that is under way, in any file. */
  readonly track: (work: Promise<unknown>) => void;
}

/** The slices that come, and why `slice` is among them: `started` if it was started for this caller. */
export interface Coming {
  readonly production: Run | Follower;
  readonly started: boolean;
}

/**
 * What comes into one file: runs of this process, and those of others that it follows. Single-flight: a reader joins what
 * will bring its slice soon. A production lives by interest: it stops when no reader of this process wants anything more of it.
 */
export class Fills {
  private readonly productions = new Set<Run | Follower>();
  private readonly interests = new Set<Interest>();
  private starting: Promise<Run | Follower | undefined> | undefined;

  constructor(
    private readonly file: SliceFile,
    private readonly parts: FillsParts,
  ) {}

  /** @returns what ends the interest */
  want(interest: Interest): () => void {
    this.interests.add(interest);
    return () => {
      this.interests.delete(interest);
      for (const production of this.productions) if (!this.isWanted(production)) production.stop();
    };
  }

  /**
   * What brings `slice`, started if need be for all that is missing up to `last`.
   * @returns `undefined`: the slice is there, or the file is not in the folder any more
   * @throws DiskTrouble
   * @throws NoRoom
   */
  async coming(slice: number, last: number): Promise<Coming | undefined> {
    while (!this.file.has(slice) && !this.file.removed) {
      const joined = this.near(slice);
      if (joined) return { production: joined, started: false };
      if (this.starting) {
        await this.starting;
        continue;
      }
      this.starting = this.start(slice, last).finally(() => (this.starting = undefined));
      this.parts.track(this.starting);
      const production = await this.starting;
      if (production) return { production, started: production instanceof Run };
    }
    return undefined;
  }

  private near(slice: number): Run | Follower | undefined {
    return [...this.productions].find(
      ({ next, last, ended, stopped }) => !ended && !stopped && next <= slice && slice <= last && slice - next <= JOIN_WITHIN,
    );
  }

  private isWanted({ next, last }: Run | Follower): boolean {
    return [...this.interests].some((interest) => interest.next <= last && interest.last >= next);
  }

  private async start(slice: number, last: number): Promise<Run | Follower | undefined> {
    const { file, parts } = this;
    await file.refresh({ first: slice, last });
    const others = await parts.claims.others(file.id);
    const followed = others.find((claim) => this.isNear(claim, slice));
    if (followed) return this.begin(new Follower(file, slice, followed, parts));
    if (file.has(slice)) return undefined;
    const slices = { first: slice, last: this.endOfRun(slice, last, others) };
    const bytes = (slices.last - slices.first + 1) * SLICE;
    if (!parts.isWritable() || !(await parts.space.reserve(bytes))) throw new NoRoom();
    let left = bytes;
    const wrote = (written: number): void => {
      left -= written;
      parts.space.wrote(written);
      parts.diskWorked();
    };
    const giveBack = await parts.claims.take(file.id, slices).catch((error: unknown) => {
      parts.space.giveBack(bytes);
      throw error;
    });
    if (!giveBack) {
      parts.space.giveBack(bytes);
      return undefined;
    }
    return this.begin(new Run(file, slices, { ...parts, wrote }), async () => {
      parts.space.giveBack(left);
      await giveBack();
      await file.keepScore().catch(() => undefined);
    });
  }

  /** Whether the other process's run is about to bring `slice`: it is near, and not past it. */
  private isNear({ first, last }: ForeignClaim, slice: number): boolean {
    if (first > slice || last < slice) return false;
    if (slice < last && this.file.has(slice + 1)) return false;
    return slice - (this.file.firstMissing({ first, last: slice }) ?? slice) <= JOIN_WITHIN;
  }

  /** The last slice before one that is there, or that somebody else brings. */
  private endOfRun(slice: number, last: number, others: readonly Slices[]): number {
    const own = [...this.productions].filter(({ stopped }) => !stopped);
    const coming = [...others.map(({ first }) => first), ...own.map(({ next }) => next)];
    let end = Math.min(last, ...coming.filter((first) => first > slice).map((first) => first - 1));
    for (let next = slice + 1; next <= end; next += 1) if (this.file.has(next)) end = next - 1;
    return end;
  }

  private begin<T extends Run | Follower>(production: T, afterwards?: () => Promise<void>): T {
    const { files, track } = this.parts;
    files.lease(this.file);
    this.productions.add(production);
    const running = production.run().then(async () => {
      this.productions.delete(production);
      await afterwards?.();
      files.release(this.file);
    });
    track(running);
    if (!this.isWanted(production)) production.stop();
    return production;
  }
}
