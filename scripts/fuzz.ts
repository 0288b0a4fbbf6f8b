import { parseFuzzOptions } from '../test/fuzz/options.js';
import { fuzz } from '../test/fuzz/run.js';
import { fuzzWorld } from '../test/fuzz/world.js';
import { orExit } from '../test/support/command-line.js';
import { startPostgres } from '../test/support/servers/postgres.js';
import { startRedis } from '../test/support/servers/redis.js';

/**
 * Sends random and mutated requests to a gateway with Postgres, Redis and a folder of files: `npm run fuzz -- --requests 100000
 * --seed 7`; `--only 17` sends request 17 of that seed alone. Exit code 0: the gateway lived, answered no 500, logged no error, printed no secret,
 * did not grow, and nothing has changed that may not; 1: otherwise.
 */
async function main(): Promise<void> {
  const options = orExit(parseFuzzOptions);
  console.log(`fuzzing with ${options.requests} requests; repeat with --seed ${options.seed}`);
  const [postgres, redis] = await Promise.all([startPostgres(), startRedis()]);
  const world = await fuzzWorld({ postgres: postgres.url, redis: redis.url });
  const { lines, problems } = await fuzz(world, options);
  const secrets = await world.close().then(
    () => [],
    (error: unknown) => [String(error)],
  );
  await Promise.all([redis.stop(), postgres.stop()]);
  for (const line of lines) console.log(line);
  const all = [...problems, ...secrets];
  for (const problem of all) console.log(`\nPROBLEM: ${problem}`);
  console.log(all.length === 0 ? '\nNo crash, no 500, no error in the log, nothing damaged.' : `\n${all.length} problems.`);
  process.exit(all.length === 0 ? 0 : 1);
}

await main();
