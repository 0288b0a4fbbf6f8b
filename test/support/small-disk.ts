import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statfsSync } from 'node:fs';
import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Disk } from '../../src/files/disk/disk.js';
import type { Bytes } from '../../src/units.js';
import { isAlive } from './servers/lock.js';
import { removeFolder, temporaryFolder } from './servers/temporary.js';

/** Not as other temporary folders are named: what is mounted cannot be removed as they are. */
const PREFIX = 'mes-gateway-small-disk-';

/** A disk that tests fill up and write-protect. */
export interface SmallDisk {
  readonly root: string;
  readonly disk: Disk;
  /** Leaves so much of it free. */
  leave(free: Bytes): Promise<void>;
  /** Nothing may be open for writing. */
  setReadOnly(readOnly: boolean): void;
  remove(): void;
}

/** A file system in memory of its own. @throws where that is not permitted */
export function mountedDisk(size: Bytes): SmallDisk {
  sweep();
  const root = mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`));
  mount('-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', root);
  return {
    root,
    disk: fs,
    leave: async (free) => {
      const ballast = join(root, 'ballast');
      await fs.rm(ballast, { force: true });
      const { bavail, bsize } = statfsSync(root);
      await fs.writeFile(ballast, Buffer.alloc(Math.max(0, bavail * bsize - free)));
    },
    setReadOnly: (readOnly) => mount('-o', `remount,${readOnly ? 'ro' : 'rw'}`, root),
    remove: () => unmount(root),
  };
}

/** A folder whose calls fail as those of a disk do that is full or write-protected. */
export function pretendedDisk(): SmallDisk {
  const root = temporaryFolder();
  let free = Infinity;
  let isReadOnly = false;
  const writing = <A extends unknown[], R>(act: (...args: A) => Promise<R>): ((...args: A) => Promise<R>) => {
    return (...args) => (isReadOnly ? Promise.reject(errno('EROFS')) : act(...args));
  };
  const limited = (handle: fs.FileHandle): fs.FileHandle => {
    const writev = (buffers: readonly NodeJS.ArrayBufferView[], position: number): Promise<unknown> => {
      free -= buffers.reduce((sum, { byteLength }) => sum + byteLength, 0);
      return free < 0 ? Promise.reject(errno('ENOSPC')) : handle.writev(buffers, position);
    };
    return new Proxy(handle, {
      get: (target, name) => {
        if (name === 'writev') return writev;
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
  };
  const disk: Disk = {
    ...fs,
    open: async (path, flags, mode) => {
      if (isReadOnly && flags !== 'r') throw errno('EROFS');
      return limited(await fs.open(path, flags, mode));
    },
    link: writing(fs.link),
    unlink: writing(fs.unlink),
    utimes: writing(fs.utimes),
    mkdir: writing(fs.mkdir) as Disk['mkdir'],
  };
  return {
    root,
    disk,
    leave: (bytes) => {
      free = bytes;
      return Promise.resolve();
    },
    setReadOnly: (readOnly) => (isReadOnly = readOnly),
    remove: () => removeFolder(root),
  };
}

/** Removes what tests that were killed left behind. */
function sweep(): void {
  for (const name of readdirSync(tmpdir())) {
    if (name.startsWith(PREFIX) && !isAlive(Number.parseInt(name.slice(PREFIX.length), 10))) unmount(join(tmpdir(), name));
  }
}

function unmount(root: string): void {
  spawnSync('umount', ['--lazy', root]);
  rmSync(root, { recursive: true, force: true });
}

function errno(code: string): Error {
  return Object.assign(new Error(`${code}: pretended`), { code });
}

function mount(...args: string[]): void {
  const { status, stderr } = spawnSync('mount', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`mount ${args.join(' ')}: ${stderr}`);
}
