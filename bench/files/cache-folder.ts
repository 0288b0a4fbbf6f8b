import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SECOND, type Bytes } from '../../src/units.js';
import type { NginxServer } from '../../test/support/servers/nginx.js';

const BLOCK: Bytes = 512;
const PATIENCE = 15 * SECOND;
const PAUSE = 10;

/** What all files below `folder` take on disk. */
export async function diskBytes(folder: string): Promise<Bytes> {
  const names = await readdir(folder, { recursive: true });
  // Files come and go meanwhile.
  const sizes = names.map((name) =>
    stat(join(folder, name)).then(
      (found) => (found.isFile() ? found.blocks * BLOCK : 0),
      () => 0,
    ),
  );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

/**
 * Nginx's cache manager looks at the size of the cache every 10 s; until then nginx keeps everything. A bench that does hours
 * of work in seconds has to wake it: the master replaces a manager that ends, and a new one evicts at once.
 */
export function cacheManager(server: NginxServer): { evictDownTo(most: Bytes, cache: string): Promise<void> } {
  return {
    async evictDownTo(most, cache) {
      const deadline = Date.now() + PATIENCE;
      if ((await diskBytes(cache)) <= most) return;
      const manager = server.processes().find(({ title }) => title === 'cache manager process');
      if (manager) process.kill(manager.pid, 'SIGTERM');
      while ((await diskBytes(cache)) > most) {
        if (Date.now() > deadline)
          throw new Error(`nginx must keep its cache within ${most} bytes, but has ${await diskBytes(cache)}`);
        await sleep(PAUSE);
      }
    },
  };
}
