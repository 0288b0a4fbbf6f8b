import { setTimeout as sleep } from 'node:timers/promises';
import { seededRandom } from '../src/embedded/random.js';
import { SECOND, type Milliseconds } from '../src/units.js';
import { valuesOrExit } from '../test/support/command-line.js';
import { option } from '../test/support/command-options.js';
import { startRedis } from '../test/support/servers/redis.js';
import { newestIds, startDayPlant } from './support/day-plant.js';
import { operatorToken, startOurs } from './support/gateway.js';
import { quantile, table } from './support/numbers.js';
import { OutsideWriter } from './support/outside-writer.js';
import { copyPlant } from './support/plant.js';
import { Watcher } from './support/watcher.js';

/**
 * `npm run bench:feed [-- --seconds 45]`: from a commit of another program until each of three gateways on one Redis answers
 * with it. Counted from the moment when the statement was sent, so the statement is in it. Exits with 1 when a feed is later
 * than its interval by more than a quarter of a second at p99.
 */
const options = valuesOrExit({
  name: 'npm run bench:feed',
  does: 'Measures the time from a commit of another program until each of three gateways answers with it.',
  options: {
    seconds: option.amount({ unit: 'seconds', does: 'how long each feed is measured', default: 45 }),
  },
});
const DURATION = options.seconds * SECOND;
const INSTANCES = 3;
const PATIENCE: Milliseconds = 250;

interface Feed {
  readonly name: string;
  /** How long a change may wait by design. */
  readonly interval: Milliseconds;
  readonly env: Readonly<Record<string, string>>;
}
const FEEDS: readonly Feed[] = [
  { name: 'outbox', interval: 0, env: { CHANGE_FEED: 'outbox' } },
  { name: 'poll, 500 ms', interval: 500, env: { CHANGE_FEED: 'poll', CHANGE_FEED_POLL_MS: '500' } },
  { name: 'poll, default (2 s)', interval: 2 * SECOND, env: { CHANGE_FEED: 'poll' } },
];

const postgres = await startDayPlant(1_000);
const redis = await startRedis();
const token = await operatorToken();
const random = seededRandom('feed');

/** @returns for each instance, how long each change took */
async function measure({ name, interval, env }: Feed): Promise<Milliseconds[][]> {
  console.error(name);
  const database = await copyPlant(postgres, name.replace(/\W+/g, '-'));
  await redis.cli('flushall');
  const gateways = await Promise.all(Array.from({ length: INSTANCES }, () => startOurs(database, redis.url, env)));
  const writer = await OutsideWriter.open(database, await newestIds(database, 100));
  const watchers = await Promise.all(gateways.map(({ port }) => Watcher.open(port, token)));
  await sleep(2 * SECOND);
  const delays: Milliseconds[][] = gateways.map(() => []);
  for (const end = performance.now() + DURATION; performance.now() < end;) {
    for (const watcher of watchers) watcher.watch(writer.upcoming);
    // Its entry is everywhere by then, and the change falls anywhere between two looks of the feed.
    await sleep(100 + random() * Math.max(100, interval));
    const { version, sentAt } = await writer.change();
    const seenAt = await Promise.all(watchers.map((watcher) => watcher.sees(version)));
    for (const [index, at] of seenAt.entries()) delays[index]!.push(at - sentAt);
  }
  await Promise.all([...watchers.map((watcher) => watcher.stop()), writer.close()]);
  await Promise.all(gateways.map((gateway) => gateway.stop()));
  return delays;
}

const problems: string[] = [];
const rows: string[][] = [];
for (const feed of FEEDS) {
  const delays = await measure(feed);
  const last = delays[0]!.map((_, change) => Math.max(...delays.map((each) => each[change]!)));
  for (const [index, each] of [...delays, last].entries()) {
    const sorted = each.toSorted((a, b) => a - b);
    const p99 = quantile(sorted, 0.99);
    const where = index < INSTANCES ? `instance ${index + 1}` : 'all three';
    rows.push([`${feed.name}: ${where}`, String(each.length), ...[quantile(sorted, 0.5), p99, sorted.at(-1)!].map(whole)]);
    if (p99 > feed.interval + PATIENCE) problems.push(`${feed.name}: ${where} after ${whole(p99)} ms at p99`);
  }
}

function whole(value: number): string {
  return value.toFixed(value < 10 ? 1 : 0);
}

console.log('From a commit of another program until it is answered, three gateways on one Redis.\n');
console.log(table(['', 'changes', 'p50 ms', 'p99 ms', 'worst ms'], rows));
if (problems.length > 0) console.log(`\nNOT AS PROMISED: ${problems.join('; ')}`);

await Promise.all([redis.stop(), postgres.stop()]);
process.exitCode = problems.length === 0 ? 0 : 1;
