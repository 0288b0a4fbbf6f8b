import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bytes } from '../../src/units.js';
import { Spans } from '../checker/spans.js';
import { isAlive } from '../support/servers/lock.js';
import { makeFolder } from './store.js';

/** Of `Stats.blocks`. */
const BLOCK: Bytes = 512;

export interface CachedPath {
  readonly path: string;
  readonly size: Bytes;
  /** What it takes of the disk. */
  readonly space: Bytes;
  readonly modified: number;
}

/** A machine with a folder for cached files that its gateways share. */
export class Host {
  readonly folder: string;
  /** When the folder was disturbed. */
  readonly trouble = new Spans();
  private readonly disk: string;
  private isMounted = false;

  /** @param small the size of a file system of its own for the folder, which needs root; without, it has all of the disk */
  constructor(
    readonly name: string,
    small: Bytes | undefined,
  ) {
    sweep();
    this.disk = mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`));
    // Gateways may run as another user.
    chmodSync(this.disk, 0o711);
    if (small !== undefined) this.isMounted = mount(this.disk, small);
    // The gateways may make it again when it was removed.
    this.folder = join(this.besides('host'), 'cache');
    makeFolder(this.folder);
  }

  /** Whether its disk is so small that it can be filled. */
  get isSmall(): boolean {
    return this.isMounted;
  }

  /** Another folder of the disk. */
  besides(name: string): string {
    const folder = join(this.disk, name);
    makeFolder(folder);
    return folder;
  }

  /** Takes all that is free of the disk. Whether nothing was free then. */
  fillUp(): boolean {
    try {
      writeFileSync(join(this.disk, 'ballast'), Buffer.alloc(statfsSync(this.disk).bfree * statfsSync(this.disk).bsize));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    }
    return statfsSync(this.disk).bfree === 0;
  }

  empty(): void {
    rmSync(join(this.disk, 'ballast'), { force: true });
  }

  /** All files of the folder; those that vanish meanwhile are left out. */
  async files(): Promise<CachedPath[]> {
    const entries = await readdir(this.folder, { recursive: true, withFileTypes: true }).catch(() => []);
    const found = entries
      .filter((entry) => entry.isFile())
      .map(async (entry): Promise<CachedPath[]> => {
        const path = join(entry.parentPath, entry.name);
        const stats = await lstat(path).catch(() => undefined);
        return stats ? [{ path, size: stats.size, space: BLOCK * stats.blocks, modified: stats.mtimeMs }] : [];
      });
    return (await Promise.all(found)).flat();
  }

  /** The folder itself and all folders in it. */
  async folders(): Promise<string[]> {
    const entries = await readdir(this.folder, { recursive: true, withFileTypes: true }).catch(() => []);
    const inside = entries.filter((entry) => entry.isDirectory()).map(({ parentPath, name }) => join(parentPath, name));
    return [this.folder, ...inside];
  }

  async bytes(): Promise<Bytes> {
    return (await this.files()).reduce((sum, { space }) => sum + space, 0);
  }

  close(): void {
    removeDisk(this.disk);
  }
}

/** Not as other temporary folders are named: what is mounted cannot be removed as they are. */
const PREFIX = 'mes-gateway-disk-';

/** Removes what checks that were killed left behind. */
function sweep(): void {
  for (const name of readdirSync(tmpdir())) {
    if (name.startsWith(PREFIX) && !isAlive(Number.parseInt(name.slice(PREFIX.length), 10))) removeDisk(join(tmpdir(), name));
  }
}

function removeDisk(disk: string): void {
  try {
    execFileSync('umount', ['--lazy', disk], { stdio: 'ignore' });
  } catch {
    // Nothing was mounted there.
  }
  rmSync(disk, { recursive: true, force: true });
}

function mount(folder: string, size: Bytes): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=0711`, 'tmpfs', folder], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
