import { setTimeout as sleep } from 'node:timers/promises';
import { seededRandom } from '../src/embedded/random.js';
import { SECOND, type Milliseconds } from '../src/units.js';
import { valuesOrExit } from '../test/support/command-line.js';
import { option } from '../test/support/command-options.js';
import { startRedis } from '../test/support/servers/redis.js';
import { operatorToken, startOurs } from './support/gateway.js';
import { zipf } from './support/numbers.js';
import { windowRequest } from './support/operations.js';
import { outageReport, toRecord, type Phase, type ReadRecord } from './support/outage-report.js';
import { copyPlant, startPlant } from './support/plant.js';
import { SteadyLoad } from './support/steady.js';
import { Writer } from './support/writer.js';

/**
 * `npm run bench:outage [-- --rate 150]`: one gateway under steady load while Redis freezes, dies and comes back, and then the
 * database does. Orders live for 3 s only, so that entries expire during the database's outage. Exits with 1 when a read or
 * a mutation fails while Redis is in trouble, or when an answer was too old without saying so.
 */
const options = valuesOrExit({
  name: 'npm run bench:outage',
  does: 'Measures one gateway under steady load, while Redis and then the database are in trouble.',
  options: {
    rate: option.amount({ unit: 'requests/s', does: 'the load', default: 150 }),
  },
});
const OUTAGE = 5 * SECOND;
const CALM = 5 * SECOND;
const MUTATIONS = 0.02;

const { postgres, plan } = await startPlant();
const redis = await startRedis();
const database = await copyPlant(postgres, 'outage');
const token = await operatorToken();
const gateway = await startOurs(database, redis.url, { ORDER_TTL_SECONDS: '3' });
const writer = await Writer.of(database, plan.week, token);
const random = seededRandom('outage');
// Few enough windows that all of them are in use all the time.
const hours = plan.week.slice(0, 60);
const pick = zipf(hours.length, random);
const requests = hours.map((hour) => windowRequest(hour, token, 'x-cache-debug: 1\r\n'));
const reads: ReadRecord[] = [];
const mutations: ReadRecord[] = [];
const mutationShots = new WeakSet();

const load = new SteadyLoad(
  gateway.port,
  options.rate,
  () => {
    const index = pick();
    const mutation = random() < MUTATIONS ? writer.mutation(hours[index]!) : undefined;
    if (mutation) mutationShots.add(mutation);
    return mutation ?? writer.read(hours[index]!, requests[index]);
  },
  (hit) => (mutationShots.has(hit.shot) ? mutations : reads).push(toRecord(hit)),
);

const phases: Phase[] = [];
async function phase(name: string, kind: Phase['kind'], change: () => unknown, duration: Milliseconds): Promise<void> {
  console.error(name);
  const from = performance.now();
  await change();
  await sleep(duration - (performance.now() - from));
  phases.push({ name, kind, from, to: performance.now() });
}
const nothing = (): void => undefined;

await sleep(2 * SECOND);
await phase('calm', 'calm', nothing, CALM);
await phase('Redis frozen', 'fault', () => redis.freeze(), OUTAGE);
await phase('Redis thawed', 'return', () => redis.thaw(), CALM);
await phase('Redis killed', 'fault', () => redis.kill(), OUTAGE);
await phase('Redis restarted, empty', 'return', () => redis.restart(), CALM);
await phase('database killed', 'database', () => postgres.kill(), 2 * OUTAGE);
await phase('database restarted', 'return', () => postgres.restart(), CALM);
await load.stop();

const { text, problems } = outageReport(phases, reads, mutations);
console.log(`One gateway, ${options.rate} requests/s, orders live for 3 s.\n\n${text}`);
console.log(`\nReads too old: ${writer.staleReads} of ${writer.checkedReads} (without those that were marked stale).`);
if (writer.staleReads > 0) problems.push('answers were too old without saying so');
if (problems.length > 0) console.log(`\nNOT AS PROMISED: ${problems.join('; ')}`);

await gateway.stop();
await Promise.all([redis.stop(), postgres.stop()]);
process.exitCode = problems.length === 0 ? 0 : 1;
