import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { MIB, SECOND } from '../src/units.js';
import { valuesOrExit } from '../test/support/command-line.js';
import { option } from '../test/support/command-options.js';
import { startRedis } from '../test/support/servers/redis.js';
import { newestIds, startDayPlant } from './support/day-plant.js';
import { metricsOf, operatorToken, startOurs } from './support/gateway.js';
import { median, short, table } from './support/numbers.js';
import { OutsideWriter } from './support/outside-writer.js';
import { copyPlant } from './support/plant.js';
import { SlowClient, Subscribers } from './support/subscribers.js';

/**
 * `npm run bench:live [-- --seconds 60 --subscribers 1000 --changes 20]`: WebSocket subscribers of one gateway, while another
 * program changes orders. Two more clients ask for much and stop reading. Exits with 1 when an event is missing or out of
 * order, when memory grows, or when a slow client is not dropped.
 */
const options = valuesOrExit({
  name: 'npm run bench:live',
  does: 'Measures WebSocket subscribers of one gateway, while another program changes orders.',
  options: {
    seconds: option.amount({ unit: 'seconds', does: 'how long it is measured', default: 60 }),
    subscribers: option.whole({ unit: 'connections', does: 'how many subscribe', default: 1_000 }),
    changes: option.whole({ unit: 'changes/s', does: 'what the other program does', default: 20 }),
  },
});
const DURATION = options.seconds * SECOND;
const SUBSCRIBERS = options.subscribers;
/** As many as changes in ten seconds, so that two changes of one order are not told together. */
const ORDERS = 10 * options.changes;
/** Of RSS, from the first third to the last. What a slow client is not given in a minute is about 120 MiB. */
const GROWTH_MAX = 64;
const TOO_SLOW = 4413;
const SLOW = 'mes_live_dropped_total{reason="slow"}';
const CONNECTIONS = 'mes_live_connections{transport="websocket"}';
const MEMORY = {
  'RSS MiB': 'process_resident_memory_bytes',
  'heap used MiB': 'nodejs_heap_size_used_bytes',
  'outside the heap MiB': 'nodejs_external_memory_bytes',
} as const;

const postgres = await startDayPlant(1_000);
const redis = await startRedis();
const database = await copyPlant(postgres, 'live');
const token = await operatorToken();
const gateway = await startOurs(database, redis.url);
const url = `${gateway.url.replace('http', 'ws')}/graphql`;
const ids = await newestIds(database, ORDERS);
const writer = await OutsideWriter.open(database, ids);
const subscribers = new Subscribers(ids, writer.commits);
await subscribers.open(url, token, SUBSCRIBERS);
const slow = await Promise.all([SlowClient.open(url, token), SlowClient.open(url, token)]);
console.error(`${SUBSCRIBERS} subscribers and ${slow.length} slow clients`);

const problems: string[] = [];
const seconds = (metrics: ReadonlyMap<string, number>, kind: 'user' | 'system'): number =>
  metrics.get(`process_cpu_${kind}_seconds_total`) ?? NaN;
const before = await metricsOf(gateway);
const loop = monitorEventLoopDelay({ resolution: 1 });
loop.enable();
const ownCpu = process.cpuUsage();
const began = performance.now();
const samples: number[][] = [];
const dropped: { after?: number; code?: Promise<number> } = {};
writer.start(options.changes);
while (performance.now() < began + DURATION) {
  await sleep(SECOND / 2);
  const metrics = await metricsOf(gateway);
  samples.push(Object.values(MEMORY).map((name) => (metrics.get(name) ?? NaN) / MIB));
  if (dropped.after !== undefined || (metrics.get(SLOW) ?? 0) < slow.length) continue;
  dropped.after = (performance.now() - began) / SECOND;
  // The first looks what it was told; the other goes on taking nothing.
  dropped.code = slow[0].readToTheEnd();
}
await writer.stop();
loop.disable();
const { user, system } = process.cpuUsage(ownCpu);
const after = await metricsOf(gateway);
const duration = (performance.now() - began) / SECOND;
await sleep(2 * SECOND);
const [open, behind] = [(await metricsOf(gateway)).get(CONNECTIONS), subscribers.behind(writer.versions)];
const code = await dropped.code;

const expected = writer.commits.length * SUBSCRIBERS;
const { delivered, repeated, skipped, disordered } = subscribers;
const latencies = Float64Array.from(subscribers.latencies).sort();
const at = (share: number): string =>
  short(latencies[Math.min(latencies.length - 1, Math.floor(share * latencies.length))] ?? NaN);
const cores = (['user', 'system'] as const).map((kind) => ((seconds(after, kind) - seconds(before, kind)) / duration).toFixed(2));
const third = Math.floor(samples.length / 3);
const part = (column: number, from: number): number[] => samples.slice(from, from + third).map((each) => each[column]!);
const memoryRows = Object.keys(MEMORY).map((name, column) => {
  const [first, middle, last] = [part(column, 0), part(column, third), part(column, 2 * third)].map(median);
  if (column === 0 && last! > first! + GROWTH_MAX) problems.push(`${name} grew from ${short(first!)} to ${short(last!)}`);
  return [name, ...[first, middle, last].map((value) => short(value!)), short(Math.max(...samples.map((each) => each[column]!)))];
});

console.log(
  `${SUBSCRIBERS} WebSocket subscribers of one gateway, ${options.changes} changes/s by another program for ${options.seconds} s.\n`,
);
console.log(
  table(
    ['', ''],
    [
      ['changes', String(writer.commits.length)],
      ['events, delivered of expected', `${delivered} of ${expected}`],
      ['told twice, left out for a newer one, out of order', `${repeated}, ${skipped}, ${disordered}`],
      ['orders of a subscriber not in their newest version at the end', String(behind)],
      ['from the commit to the event, p50 / p99 / worst ms', `${at(0.5)} / ${at(0.99)} / ${at(1)}`],
      ['cores of the gateway, user + system', cores.join(' + ')],
      [
        'all clients, in this process: cores, p99 of their own delay ms',
        `${((user + system) / 1e6 / duration).toFixed(2)}, ${short(loop.percentile(99) / 1e6)}`,
      ],
      ['slow clients dropped after s, close code', `${short(dropped.after ?? NaN)}, ${code ?? 'none'}`],
      ['connections at the end', String(open)],
    ],
  ),
);
console.log('');
console.log(table(['medians', 'first third', 'middle third', 'last third', 'most'], memoryRows));

if (delivered - repeated < expected) problems.push(`${delivered - repeated} of ${expected} events`);
if (behind + disordered > 0) problems.push(`${behind} are behind, ${disordered} events were out of order`);
if (code !== TOO_SLOW) problems.push(`a slow client must be closed with ${TOO_SLOW}, but got ${code ?? 'nothing'}`);
if (open !== SUBSCRIBERS) problems.push(`${open} connections at the end`);
console.log(problems.length === 0 ? '\nAll was told, in order, in bounds.' : `\nNOT AS PROMISED: ${problems.join('; ')}`);

subscribers.close();
for (const each of slow) each.cut();
await writer.close();
await gateway.stop();
await Promise.all([redis.stop(), postgres.stop()]);
process.exitCode = problems.length === 0 ? 0 : 1;
