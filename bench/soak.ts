import { setTimeout as sleep } from 'node:timers/promises';
import { seededRandom } from '../src/embedded/random.js';
import { MIB, SECOND } from '../src/units.js';
import { valuesOrExit } from '../test/support/command-line.js';
import { option } from '../test/support/command-options.js';
import { startRedis } from '../test/support/servers/redis.js';
import { metricsOf, operatorToken, startOurs } from './support/gateway.js';
import { isFailure } from './support/load.js';
import { deviation, median, quantile, short, table, zipf } from './support/numbers.js';
import { manyWindowsRequest } from './support/operations.js';
import { copyPlant, startPlant } from './support/plant.js';
import { SteadyLoad } from './support/steady.js';
import { Writer } from './support/writer.js';

/**
 * `npm run bench:soak [-- --seconds 600 --rate 120]`: mixed load at a steady rate against one gateway, while everything that
 * could leak is sampled. Exits with 1 when something grew or was left over.
 */
const options = valuesOrExit({
  name: 'npm run bench:soak',
  does: 'Samples everything that could leak in one gateway under steady mixed load.',
  options: {
    seconds: option.amount({ unit: 'seconds', does: 'how long the load lasts', default: 600 }),
    rate: option.amount({ unit: 'requests/s', does: 'the load', default: 120 }),
  },
});
const DURATION = options.seconds * SECOND;
const PAUSE = Math.max(SECOND, DURATION / 200);
const MUTATIONS = 0.02;
const DAY_VIEWS = 0.03;

const { postgres, plan } = await startPlant();
const redis = await startRedis();
const database = await copyPlant(postgres, 'soak');
const token = await operatorToken();
const gateway = await startOurs(database, redis.url);
const writer = await Writer.of(database, plan.week, token);
const random = seededRandom('soak');
const pick = zipf(plan.week.length, random);
const everywhere = [...plan.week, ...plan.cold];

const nextShot = () => {
  const kind = random();
  const hour = plan.week[pick()]!;
  if (kind < MUTATIONS) return writer.mutation(hour) ?? writer.read(hour);
  if (kind < MUTATIONS + DAY_VIEWS) return { request: manyWindowsRequest(plan.day, token) };
  // A tenth goes to windows all over the ninety days, so that entries expire, leave and come.
  return writer.read(kind > 0.9 ? everywhere[Math.floor(random() * everywhere.length)]! : hour);
};

/** What is sampled; all but the sizes and the lag are counts. */
const NAMES = [
  'RSS MiB',
  'heap used MiB',
  'memory tier MiB',
  'Redis MiB',
  'event loop lag p99 ms',
  'handles',
  'timers',
  'Postgres connections',
  'Redis connections',
] as const;
type Sample = readonly number[];

async function sample(): Promise<Sample> {
  const metrics = await metricsOf(gateway);
  const value = (name: string): number => metrics.get(name) ?? 0;
  const [info, clients, connections] = await Promise.all([
    redis.cli('info', 'memory'),
    redis.cli('client', 'list'),
    postgres.query(`select count(*)::int as n from pg_stat_activity where application_name = 'mes-gateway'`),
  ]);
  return [
    value('process_resident_memory_bytes') / MIB,
    value('nodejs_heap_size_used_bytes') / MIB,
    value('mes_memory_tier_bytes') / MIB,
    Number(/^used_memory:(\d+)/m.exec(info)?.[1]) / MIB,
    value('nodejs_eventloop_lag_p99_seconds') * SECOND,
    value('nodejs_active_handles_total'),
    value('nodejs_active_resources{type="Timeout"}'),
    Number(connections[0]?.['n']),
    // Without the one that asks.
    clients.split('\n').length - 1,
  ];
}

const latencies: number[] = [];
let failures = 0;
const load = new SteadyLoad(gateway.port, options.rate, nextShot, ({ latency, answer }) => {
  latencies.push(latency);
  if (!answer || isFailure(answer)) failures += 1;
});
const samples: Sample[] = [];
const end = performance.now() + DURATION;
while (performance.now() < end) {
  await sleep(PAUSE);
  samples.push(await sample());
}
await load.stop();
await sleep(2 * SECOND);
const after = await sample();
const pending = (await metricsOf(gateway)).get('mes_pending_renewals');

const third = Math.floor(samples.length / 3);
const part = (name: number, from: number): number[] => samples.slice(from, from + third).map((each) => each[name]!);
const problems: string[] = [];
const rows = NAMES.map((name, index) => {
  const [first, middle, last] = [part(index, 0), part(index, third), part(index, 2 * third)];
  const bound = median(middle) + Math.max(0.05 * median(middle), 3 * deviation(middle), index < 4 ? 1 : 2);
  // Under load most handles are sockets of the load generator; one that leaks is still there when all is idle.
  const end = name === 'handles' ? after[index]! : median(last);
  const grew = name !== 'event loop lag p99 ms' && end > bound;
  if (grew) problems.push(`${name} grew: ${short(median(middle))} to ${short(end)}, allowed ${short(bound)}`);
  return [
    name,
    ...[first, middle, last].map((values) => short(median(values))),
    short(bound),
    short(after[index]!),
    grew ? 'GREW' : 'ok',
  ];
});
if (pending !== 0) problems.push(`mes_pending_renewals is ${pending} at the end`);
if (failures + writer.failedMutations > 0)
  problems.push(`${failures} failed requests, ${writer.failedMutations} failed mutations`);
if (writer.staleReads > 0) problems.push(`${writer.staleReads} reads were older than an acknowledged change`);
const sorted = latencies.sort((a, b) => a - b);

console.log(
  `Soak of ${options.seconds} s at ${options.rate} requests/s: ${latencies.length} requests, ${samples.length} samples.\n`,
);
console.log(table(['', 'first third', 'middle third', 'last third', 'bound', 'idle after', ''], rows));
console.log(`
Medians. Rule: the last third may exceed the middle third by 5 %, or by 3 median absolute deviations of the middle third, or by
1 MiB (counts: 2), whichever is most. Handles are judged when idle. Event loop lag is shown, not judged.
Latency p50 ${short(quantile(sorted, 0.5))} ms, p99 ${short(quantile(sorted, 0.99))} ms, worst ${short(sorted.at(-1)!)} ms. Mutations ${writer.mutations}, checked reads ${writer.checkedReads}, stale ${writer.staleReads}, pending renewals ${pending}.`);
console.log(problems.length === 0 ? '\nFlat: nothing grew, nothing was left over.' : `\nNOT FLAT: ${problems.join('; ')}`);

await gateway.stop();
await Promise.all([redis.stop(), postgres.stop()]);
process.exitCode = problems.length === 0 ? 0 : 1;
