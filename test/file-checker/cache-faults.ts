import { chmod, open, rm, truncate, unlink } from 'node:fs/promises';
import { between, pick, type Random } from '../../src/embedded/random.js';
import { KIB } from '../../src/units.js';
import { rest } from '../checker/rest.js';
import { LONGEST_STOP } from './bounds.js';
import type { CachedPath, Host } from './host.js';
import type { Act, Acts } from './lane.js';
import { mayUse } from './plain-user.js';
import type { World } from './world.js';

const HIT = 8;
const HEADER = 4 * KIB;

/** What happens to the folders of cached files. A file that vanishes meanwhile was evicted. */
export function cacheFaults({ hosts, instances, over }: World, random: Random): Acts {
  const used = hosts.filter((host) => instances.some((instance) => instance.host === host));

  const on =
    (choose: readonly Host[], work: (host: Host) => Promise<boolean>): Act =>
    async () => {
      const host = pick(random, choose);
      host.trouble.begin();
      try {
        return await work(host);
      } finally {
        host.trouble.end();
      }
    };

  /** Does something to some files; whether it was done to any. */
  const some = (work: (file: CachedPath) => Promise<unknown>): Act =>
    on(used, async (host) => {
      const files = (await host.files()).filter(({ size }) => size > 0);
      let done = 0;
      for (let left = Math.min(HIT, files.length); left > 0; left -= 1) {
        done += await work(pick(random, files)).then(
          () => 1,
          () => 0,
        );
      }
      return done > 0;
    });

  return {
    'cache-bytes-flipped': some(({ path, size }) => flip(path, between(random, 0, size - 1), 1)),
    'cache-headers-destroyed': some(({ path, size }) => flip(path, 0, Math.min(size, HEADER))),
    'cache-files-cut': some(({ path, size }) => truncate(path, between(random, 0, size - 1))),
    'cache-files-deleted': some(({ path }) => unlink(path)),
    'cache-folder-removed': on(used, async (host) => {
      const had = (await host.files()).length;
      await rm(host.folder, { recursive: true, force: true, maxRetries: 5 });
      await rest(between(random, 0, 1_000), over);
      return had > 0;
    }),
    'cache-folder-read-only': on(used, async (host) => {
      const folders = await host.folders();
      const setAll = (mode: number): Promise<unknown> => Promise.allSettled(folders.map((folder) => chmod(folder, mode)));
      await setAll(0o555);
      const isReadOnly = !mayUse(host.folder, 'w');
      await rest(between(random, 500, LONGEST_STOP), over);
      await setAll(0o755);
      return isReadOnly;
    }),
    'cache-disk-full': on(
      used.filter(({ isSmall }) => isSmall),
      async (host) => {
        const isFull = host.fillUp();
        await rest(between(random, 500, LONGEST_STOP), over);
        host.empty();
        return isFull;
      },
    ),
  };
}

/** Turns bits of some bytes, so that each is another one. */
async function flip(path: string, from: number, count: number): Promise<void> {
  const file = await open(path, 'r+');
  try {
    const bytes = Buffer.alloc(count);
    await file.read(bytes, 0, count, from);
    await file.write(
      bytes.map((byte) => byte ^ 0x55),
      0,
      count,
      from,
    );
  } finally {
    await file.close();
  }
}
