import { setTimeout as sleep } from 'node:timers/promises';
import { SECOND } from '../src/units.js';
import { valuesOrExit } from '../test/support/command-line.js';
import { option } from '../test/support/command-options.js';
import { noonTimeZone } from '../test/support/race.js';
import { startRedis } from '../test/support/servers/redis.js';
import { costsOf, difference, type Costs } from './support/costs.js';
import { newestIds, startDayPlant } from './support/day-plant.js';
import { operatorToken, startOurs } from './support/gateway.js';
import { ListReader } from './support/list-reader.js';
import { closedLoop, type LoadResult } from './support/load.js';
import { quantile, short, table } from './support/numbers.js';
import { OutsideWriter } from './support/outside-writer.js';
import { copyPlant } from './support/plant.js';

/**
 * `npm run bench:today [-- --seconds 20 --orders 5000 --changes 20 --readers 50]`: today's newest list, while another program
 * changes orders of it, once carried on by its changes and once read whole each time. Exits with 1 when a change costs more
 * rows than one and one for each instance (several may fill, each from a state of its own), or an answer was older than a second.
 */
const options = valuesOrExit({
  name: 'npm run bench:today',
  does: "Measures today's newest list, changed by another program, carried on and read whole.",
  options: {
    seconds: option.amount({ unit: 'seconds', does: 'how long each way is measured', default: 20 }),
    orders: option.whole({ unit: 'orders', does: 'how many the list has', default: 5_000 }),
    changes: option.whole({ unit: 'changes/s', does: 'what the other program does', default: 20 }),
    readers: option.whole({ unit: 'readers', does: 'how many read at once', default: 50 }),
  },
});
const [DURATION, ORDERS] = [options.seconds * SECOND, options.orders];
const READERS = options.readers;
const WAYS = { 'carried on': {}, 'read whole': { ORDER_READ_WHOLE_SECONDS: '0' } } as const;

interface Result {
  readonly name: string;
  readonly instances: number;
  readonly way: keyof typeof WAYS;
  readonly changes: number;
  readonly costs: Costs;
  readonly loads: readonly LoadResult[];
  readonly stale: number;
  readonly checked: number;
  /** Orders that an instance had in another version than the database, a second after the last change. */
  readonly different: number;
}

const postgres = await startDayPlant(ORDERS);
const redis = await startRedis();
const token = await operatorToken();

async function measure(instances: number, way: keyof typeof WAYS): Promise<Result> {
  const name = `${way}, ${instances} instance${instances > 1 ? 's' : ''}`;
  console.error(name);
  const database = await copyPlant(postgres, name.replace(/\W+/g, '-'));
  await redis.cli('flushall');
  const env = { PLANT_TIME_ZONE: noonTimeZone(), CHANGE_FEED: 'outbox', ...WAYS[way] };
  const gateways = await Promise.all(Array.from({ length: instances }, () => startOurs(database, redis.url, env)));
  // Every fifth order, so that changes are spread over the list.
  const ids = (await newestIds(database, ORDERS)).filter((_id, index) => index % 5 === 0);
  const writer = await OutsideWriter.open(database, ids);
  const reader = new ListReader(token, writer.commits);
  const read = (duration: number): Promise<LoadResult[]> =>
    Promise.all(
      gateways.map(({ port }, index) => closedLoop(port, Math.ceil((READERS - index) / instances), duration, () => reader.shot)),
    );
  await read(2 * SECOND);
  const before = await costsOf(postgres, database, redis, gateways);
  writer.start(options.changes);
  const loads = await read(DURATION);
  await writer.stop();
  const costs = difference(await costsOf(postgres, database, redis, gateways), before);
  await sleep(SECOND);
  const different = await Promise.all(gateways.map(({ port }) => reader.differences(port, database, ORDERS)));
  await writer.close();
  await Promise.all(gateways.map((gateway) => gateway.stop()));
  const { stale, checked } = reader;
  return { name, instances, way, changes: writer.commits.length, costs, loads, stale, checked, different: sum(different) };
}

const sum = (values: readonly number[]): number => values.reduce((total, each) => total + each, 0);

const results: Result[] = [];
for (const instances of [1, 3]) {
  for (const way of ['carried on', 'read whole'] as const) results.push(await measure(instances, way));
}

const loadRows = results.map(({ name, changes, costs, loads, stale, checked }) => {
  const latencies = loads.flatMap(({ latencies: each }) => each).sort((a, b) => a - b);
  return [
    name,
    String(changes),
    short(costs.statements / changes),
    short(costs.rows / changes),
    short(costs.rows / costs.statements),
    short(costs.pages / changes),
    short(sum(loads.map(({ requests, seconds }) => requests / seconds))),
    short(quantile(latencies, 0.5)),
    short(quantile(latencies, 0.99)),
    `${stale} of ${checked}`,
  ];
});
const cpuRows = results.map(({ name, changes, costs, loads }) => {
  const duration = loads[0]!.seconds * SECOND;
  const requests = sum(loads.map((each) => each.requests));
  return [
    name,
    ...[costs.gatewayCpu, costs.redisCpu, costs.databaseMs].map((time) => (time / duration).toFixed(2)),
    ...[costs.redisInMib, costs.redisOutMib].map((size) => short(size / changes)),
    `${short((100 * costs.ready) / requests)} %`,
  ];
});
const head = ['', 'changes', 'statements per change', 'rows per change', 'rows per statement', 'pages per change'];

console.log(
  `Today's list of ${ORDERS} orders, ${options.changes} changes/s by another program, ${READERS} readers, ${options.seconds} s each.\n`,
);
console.log(table([...head, 'answers/s', 'p50 ms', 'p99 ms', 'older than 1 s'], loadRows));
console.log('\nCores of the gateways, of Redis, and of the database for loads; what went to Redis and came from it.\n');
console.log(
  table(['', 'gateways', 'Redis', 'loads', 'MiB in per change', 'MiB out per change', 'answers that were ready'], cpuRows),
);

const problems = results.flatMap(({ name, instances, way, changes, costs, loads, stale, different }) => [
  ...(way === 'carried on' && costs.rows > (1 + instances) * changes
    ? [`${name}: ${short(costs.rows / changes)} rows per change`]
    : []),
  ...(stale > 0 ? [`${name}: ${stale} answers were older than a second`] : []),
  ...(different > 0 ? [`${name}: ${different} orders differ from the database in the end`] : []),
  ...loads.flatMap(({ failures }) => (failures > 0 ? [`${name}: ${failures} failed requests`] : [])),
]);
console.log('');
for (const count of [1, 3]) {
  const [carried, whole] = results.filter(({ instances }) => instances === count).map((each) => each.costs.rows / each.changes);
  console.log(
    `Rows per change, read whole to carried on, ${count} instance${count > 1 ? 's' : ''}: ${short(whole! / carried!)} ×`,
  );
}
if (problems.length > 0) console.log(`\nNOT AS PROMISED: ${problems.join('; ')}`);

await Promise.all([redis.stop(), postgres.stop()]);
process.exitCode = problems.length === 0 ? 0 : 1;
