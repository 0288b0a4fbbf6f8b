import { writeFile } from 'node:fs/promises';
import { cpus, loadavg } from 'node:os';
import { orExit } from '../test/support/command-line.js';
import { run } from '../test/support/servers/run.js';
import { programsOf } from '../test/support/servers/packages.js';
import { measureCold } from './files/cold.js';
import { parseOptions, type Options } from './files/options.js';
import { filesReport, type Results } from './files/report.js';
import { measureSlow } from './files/slow.js';
import { measureWarm } from './files/warm.js';
import { startWorld, type World } from './files/world.js';
import { wrkVersion } from './files/wrk.js';
import { measureZipf } from './files/zipf.js';

/**
 * `npm run bench:files [-- --rounds 3 --seconds 2 --only warm|cold|zipf|slow --seed files --json results.json --quick]`: files
 * through the gateway, through nginx's `proxy_cache` and from nginx alone, over the same Ceph object gateway, in one run on one
 * machine. Exits with 1 when bytes were wrong, requests failed, a cold file was read more than once or memory grew.
 */
const say = (line: string): void => console.error(line);

async function measure(world: World, options: Options): Promise<Results> {
  const { parts } = options;
  return {
    ...(parts.includes('warm') && { warm: await measureWarm(world, options, say) }),
    ...(parts.includes('cold') && { cold: await measureCold(world, options.rounds, say) }),
    ...(parts.includes('zipf') && { zipf: await measureZipf(world, options, say) }),
    ...(parts.includes('slow') && { slow: await measureSlow(world, options.slowFor, say) }),
  };
}

/** What numbers depend on besides the code. */
async function describeMachine() {
  const { paths, env } = await programsOf('nginx');
  const printed = await run('sh', ['-c', '"$0" -v 2>&1', paths['nginx'] as string], { env });
  return {
    date: new Date().toISOString(),
    node: process.version,
    nginx: /nginx\/(\S+)/.exec(printed)?.[1] ?? 'unknown',
    wrk: await wrkVersion(),
    processors: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`,
    loadAverage: loadavg()[0]?.toFixed(1),
  };
}

const options = orExit(parseOptions);
const machine = await describeMachine();
const world = await startWorld();
try {
  const results = await measure(world, options);
  const { text, problems } = filesReport(results);
  const { node, nginx, wrk, processors, date, loadAverage } = machine;
  console.log(
    `Node ${node}, nginx ${nginx}, wrk ${wrk}, ${processors}, ${date}; load average before the run ${loadAverage}.\n\n${text}`,
  );
  if (problems.length > 0) console.log(`\nNOT AS PROMISED: ${problems.join('; ')}`);
  if (options.json !== undefined)
    await writeFile(options.json, `${JSON.stringify({ machine, options, ...results, problems }, null, 2)}\n`);
  process.exitCode = problems.length === 0 ? 0 : 1;
} finally {
  await world.stop();
}
