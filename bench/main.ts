import { isDeepStrictEqual } from 'node:util';
import { cpus } from 'node:os';
import { valuesOrExit } from '../test/support/command-line.js';
import { option } from '../test/support/command-options.js';
import { startRedis } from '../test/support/servers/redis.js';
import { HttpConnection } from './support/connection.js';
import { ours, startContestants, type Contestant } from './support/contestants.js';
import { operatorToken } from './support/gateway.js';
import { manyWindowsRequest, windowRequest } from './support/operations.js';
import { startPlant, type Plan } from './support/plant.js';
import { report, runRounds, type Timing } from './support/rounds.js';
import { makeScenarios } from './support/scenarios.js';
import { CROWD, stampede } from './support/stampede.js';
import { Writer } from './support/writer.js';

/**
 * `npm run bench [-- --quick]`: the gateway beside its peers, in one run on one machine. Numbers of different runs or machines
 * are not to be compared; ratios are.
 */
const options = valuesOrExit({
  name: 'npm run bench',
  does: 'Measures the gateway beside its peers, in one run on one machine.',
  options: {
    quick: option.flag('all of it once and very short: only to see that everything works'),
    rounds: option.whole({
      unit: 'rounds',
      does: '0 measures the stampede alone',
      from: 0,
      default: 5,
      defaultWith: { quick: 1 },
    }),
    seconds: option.amount({ unit: 'seconds', does: 'of each round', default: 2, defaultWith: { quick: 0.2 } }),
    only: option.text({ unit: 'word', does: 'only contestants whose name has it, and plain Apollo' }),
  },
});
const timing: Timing = {
  rounds: options.rounds,
  warmUp: options.quick ? 100 : 700,
  duration: options.seconds * 1_000,
  connections: 32,
};
const say = (line: string): void => console.error(line);

/** Answers of different contestants to the same question must be the same. @throws naming who differs */
async function checkEqual(contestants: readonly Contestant[], plan: Plan, token: string): Promise<number> {
  const requests = [
    manyWindowsRequest(plan.day, token),
    ...[plan.hot, plan.week[3]!, plan.week.at(-1)!].map((hour) => windowRequest(hour, token)),
  ];
  for (const request of requests) {
    let expected: unknown;
    for (const { name, ports } of contestants) {
      const connection = await HttpConnection.open(ports[0]!);
      const { status, body } = await connection.send(request);
      connection.close();
      const { data } = JSON.parse(body.toString()) as { data?: unknown };
      if (status !== 200 || !data) throw new Error(`${name} must answer, but got: ${status} ${body.toString().slice(0, 500)}`);
      expected ??= data;
      if (!isDeepStrictEqual(data, expected)) throw new Error(`${name} must answer as the others do, but its data differs`);
    }
  }
  return requests.length;
}

const [{ postgres, plan }, redis] = await Promise.all([startPlant(), startRedis()]);
const token = await operatorToken();
const started = await startContestants(postgres, redis);
const contestants = started.filter(
  ({ name }) => options.only === undefined || name.includes(options.only) || name.startsWith('Apollo, no'),
);
const trio = await ours('mes-gateway (Redis), 3 instances', postgres, `${redis.url}/15`, 3);
try {
  console.log(
    `${plan.orders} orders; Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, ${new Date().toISOString()}`,
  );
  const equal = await checkEqual([...contestants, trio], plan, token);
  console.log(`${contestants.length} contestants answer ${equal} operations with identical data.`);
  console.log(
    `${timing.connections} connections, medians of ${timing.rounds} interleaved rounds of ${timing.duration / 1_000} s.`,
  );
  const writers = new Map<Contestant, Writer>();
  for (const one of contestants) writers.set(one, await Writer.of(one.databaseUrl, plan.week, token));
  const results = await runRounds(makeScenarios(plan, token), contestants, writers, timing, say);
  // Without rounds: only the stampede.
  for (const [scenario, result] of timing.rounds > 0 ? results : [])
    console.log(`\n### ${scenario.name}\n\n${report(scenario, result)}`);
  say('stampede');
  const windows = plan.cold.slice(0, options.quick ? 1 : 5);
  console.log(
    `\n### stampede: ${CROWD} equal requests at once, cold window\n\n${await stampede([...contestants, trio], windows, token)}`,
  );
} finally {
  await Promise.all([...started, trio].map((contestant) => contestant.stop()));
  await Promise.all([redis.stop(), postgres.stop()]);
}
