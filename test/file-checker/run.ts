import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { MIB, MINUTE, SECOND, type Milliseconds } from '../../src/units.js';
import { PendingRenewals } from '../checker/pending.js';
import { metric, until, within } from '../support/race.js';
import { CACHE_SLACK, LEFTOVER_BOUND, RENEWAL_PATIENCE } from './bounds.js';
import { cacheFaults } from './cache-faults.js';
import { Gauges } from './gauges.js';
import { gatewayFaults, redisFaults } from './gateway-faults.js';
import { ask, postJson } from './http-client.js';
import type { Instance } from './instance.js';
import { runLane, type Acts } from './lane.js';
import { BUG_FAULTS, type FileCheckOptions } from './options.js';
import { originFaults } from './origin-faults.js';
import { runReader } from './reader.js';
import type { Report } from './report.js';
import { openWorld, randomFor, type Closing, type Servers, type World } from './world.js';
import { runWriter, writeFirst } from './writer.js';

const READERS_PER_GATEWAY = 4;
const WRITERS = 3;
const PROGRESS: Milliseconds = 15 * SECOND;

/** Starts everything, lets it run until enough was compared under every fault, and ends everything. `say` gets lines of progress. */
export async function runCheck(options: FileCheckOptions, servers: Servers, say: (line: string) => void): Promise<Report> {
  const over = new AbortController();
  setMaxListeners(0, over.signal);
  const closing: Closing = [];
  try {
    const world = await openWorld(options, servers, over.signal, closing);
    await findParts(world);
    await writeFirst(world);
    const gauges = new Gauges(world);
    const loops = [...traffic(world), gauges.run()];
    const ended = Promise.all(loops);
    try {
      await Promise.race([ended, enough(world, say)]);
    } finally {
      over.abort();
      await within('the end of all that goes on', Promise.allSettled(loops), MINUTE);
    }
    for (const [counter, sum] of gauges.sums) world.report.notes.push(`${counter}: ${sum}`);
    if (!options.bug) await healed(world);
    return world.report;
  } finally {
    for (const close of closing.reverse()) await close();
  }
}

/** Whether a check without a bug has shown what it is for. */
export function isPassed(report: Report, options: FileCheckOptions): boolean {
  return report.violations.length === 0 && isEnough(report, options);
}

function isEnough({ downloads, missingFaults }: Report, options: FileCheckOptions): boolean {
  return downloads >= options.downloads && (options.isBrief || missingFaults.length === 0);
}

/** What of its contract the gateway has. */
async function findParts({ instances, tokens, has, report }: World): Promise<void> {
  const { port } = (instances[0] as Instance).process;
  const missing = (status: number | undefined): boolean => status === 404 || status === 405;
  const test = { Service: 'Amazon S3', Event: 's3:TestEvent', Time: new Date().toISOString(), Bucket: 'any' };
  has.events = !missing(await postJson(port, tokens.service, '/events/s3', test));
  const put = await ask({ port, token: tokens.operator, path: 'probe.bin', method: 'PUT', body: Buffer.from('probe') });
  has.upload = !missing(put.status);
  if (!has.events) report.absent.push('POST /events/s3');
  if (!has.upload) report.absent.push('PUT /files/<path>');
}

/** Readers, writers and faults, until the check is over. */
function traffic(world: World): Promise<void>[] {
  const { options, instances, hosts, report } = world;
  const randomOf = (part: string) => randomFor(options, part);
  const settler = new PendingRenewals(world);
  const isFolder = options.source === 'folder';
  const many = (count: number, start: (index: number) => Promise<void>) =>
    Array.from({ length: count }, (_, index) => start(index));
  if (!instances.some(({ host }) => host.isSmall)) {
    const why = hosts.some(({ isSmall }) => isSmall) ? 'needs three gateways' : 'a file system of its own cannot be mounted here';
    report.impossible.set('cache-disk-full', why);
  }
  if (instances.length < 2) report.impossible.set('two-evicted-at-once', 'needs two gateways');
  const lane = (name: string, make: (random: ReturnType<typeof randomOf>) => Acts): Promise<void> => {
    const random = randomOf(name);
    return runLane(world, wanted(options, make(random)), random);
  };
  return [
    settler.run(),
    ...many(READERS_PER_GATEWAY * instances.length, (index) => runReader(world, randomOf(`reader ${index}`))),
    ...many(WRITERS, (index) => runWriter(world, settler, randomOf(`writer ${index}`))),
    // A gateway does not start without its folder, so that is not away while one is to come back.
    lane('gateway faults', (random) => ({
      ...gatewayFaults(world, settler, random),
      ...(isFolder && originFaults(world, random)),
    })),
    lane('redis faults', (random) => redisFaults(world, random)),
    lane('origin faults', (random) => (isFolder ? {} : originFaults(world, random))),
    lane('cache faults', (random) => cacheFaults(world, random)),
  ];
}

/** A bug is to be found by what shows it, without much besides. */
function wanted({ bug }: FileCheckOptions, acts: Acts): Acts {
  if (!bug) return acts;
  return Object.fromEntries(Object.entries(acts).filter(([kind]) => (BUG_FAULTS[bug] as readonly string[]).includes(kind)));
}

/** Ends when all was compared and every fault was there, with a bug at the first wrong answer, and at the limit. */
async function enough({ options, report, instances }: World, say: (line: string) => void): Promise<void> {
  const end = performance.now() + options.limit;
  let next = performance.now() + PROGRESS;
  while (performance.now() < end) {
    if (options.bug ? report.wrongAnswers > 0 : isEnough(report, options)) return;
    for (const { isUp, process, name } of instances) {
      if (isUp && !process.isRunning())
        return report.violation(`VIOLATION: ${name} ended by itself`, process.output().slice(-2_000));
    }
    if (performance.now() > next) {
      say(`${report.downloads} downloads compared, ${report.violations.length} wrong`);
      next += PROGRESS;
    }
    await sleep(100);
  }
}

/** When all faults have ended, every gateway must find back by itself, and the folders are as small as they must be. */
async function healed({ instances, hosts, report, cacheMax }: World): Promise<void> {
  const isHealed = async ({ process }: Instance): Promise<boolean> => {
    // A request makes the breaker try again.
    if ((await process.get('/readyz')).status !== 200) return false;
    const values = await Promise.all(['mes_store_available', 'mes_pending_renewals'].map((name) => metric(process, name)));
    return values[0] === 1 && values[1] === 0;
  };
  for (const instance of instances) {
    await until('healed', () => isHealed(instance), RENEWAL_PATIENCE).catch(() =>
      report.violation(`VIOLATION: ${instance.name} must be ready, use Redis again and have nothing pending after all faults`),
    );
  }
  for (const host of hosts) {
    const isSmall = async (): Promise<boolean> => (await host.bytes()) <= cacheMax + CACHE_SLACK;
    await until('small', isSmall, RENEWAL_PATIENCE).catch(() => undefined);
    const files = await host.files();
    const held = `${host.name}: ${files.length} files, ${((await host.bytes()) / MIB).toFixed(1)} MiB of ${(cacheMax / MIB).toFixed(1)} MiB`;
    report.notes.push(`cached in the end on the host with a ${held} (${(CACHE_SLACK / MIB).toFixed(0)} MiB more are allowed)`);
    const forgotten = files.filter(
      ({ path, modified }) => /\/(tmp|claims)\//.test(path) && Date.now() - modified > LEFTOVER_BOUND,
    );
    if (forgotten.length > 0)
      report.violation(`VIOLATION: ${forgotten.length} temporary files are left, such as ${forgotten[0]?.path}`);
    if (!(await isSmall())) report.violation(`VIOLATION: too much is cached on the host with a ${held}`);
  }
}
