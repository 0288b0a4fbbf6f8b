import { fork, type ChildProcess } from 'node:child_process';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { DAY, MIB, SECOND } from '../src/units.js';
import { valuesOrExit } from '../test/support/command-line.js';
import { option } from '../test/support/command-options.js';
import { startRedis } from '../test/support/servers/redis.js';
import { tokenFor } from '../test/support/tokens.js';
import { Operators } from './attack/operators.js';
import type { Orders } from './attack/stranger.js';
import type { Tally } from './attack/tally.js';
import { metricsOf, startOurs } from './support/gateway.js';
import { quantile, short, table } from './support/numbers.js';
import { copyPlant, startPlant } from './support/plant.js';

/**
 * `npm run bench:attack [-- --seconds 20 --connections 10000]`: 20 operators, alone and then beside a stranger of one address who does
 * everything at once, with the default settings and with the limits that docs/security.md recommends. Exits with 1 when an
 * operator gets no answer under the recommended limits, or the gateway is not ready at the end.
 */
const options = valuesOrExit({
  name: 'npm run bench:attack',
  does: 'Measures what operators get beside a stranger of one address who does everything at once.',
  options: {
    seconds: option.amount({ unit: 'seconds', does: 'how long each phase is', default: 20 }),
    connections: option.whole({ unit: 'connections', does: 'how many the stranger opens', default: 10_000 }),
  },
});
const DURATION = options.seconds * SECOND;
const OPERATORS = 20;
const STRANGER = '127.0.9.9';
/** For what the gateway, its clients and its files need besides. */
const SPARE_DESCRIPTORS = 1_000;
const RECOMMENDED = {
  RATE_LIMIT_OPERATOR: '600000',
  RATE_LIMIT_PARTNER: '100000',
  RATE_LIMIT_SERVICE: '600000',
  RATE_LIMIT_ADDRESS: '1000000',
  RATE_LIMIT_FILE_BYTES: '10737418240',
  RATE_LIMIT_FAILED_AUTH: '60',
  CONNECTIONS_PER_ADDRESS_MAX: '200',
};

/** Node has raised its soft limit to the hard one. */
function descriptors(): number {
  return Number(/^Max open files\s+\d+\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1] ?? 1_024);
}

/** Ties a process to one core, where that is possible. */
function pin(pid: number | undefined, core: number): boolean {
  if (pid === undefined || availableParallelism() < 2) return false;
  try {
    execFileSync('taskset', ['-a', '-cp', String(core), String(pid)], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

async function talliesOf(stranger: ChildProcess): Promise<Tally[]> {
  stranger.send('look');
  const [tallies] = (await once(stranger, 'message')) as [Tally[]];
  return tallies;
}

const connections = Math.min(options.connections, descriptors() - SPARE_DESCRIPTORS);
if (connections < options.connections)
  console.log(`Only ${connections} connections: open files are limited to ${descriptors()}.`);
const { postgres, plan } = await startPlant();
const redis = await startRedis();
const token = await tokenFor({ role: 'partner', partnerId: 'partner-a', sub: 'stranger' }, { expiresIn: DAY });
const problems: string[] = [];

interface Part {
  readonly p50: number;
  readonly p99: number;
  readonly answered: number;
  readonly failures: number;
  /** Cores that the gateway used. */
  readonly cpu: number;
  readonly rss: number;
}

async function measured(operators: Operators, gateway: Parameters<typeof metricsOf>[0]): Promise<Part> {
  operators.reset();
  const before = await metricsOf(gateway);
  const began = performance.now();
  await sleep(DURATION);
  const { latencies, failures } = operators;
  const after = await metricsOf(gateway);
  const value = (name: string): number => (after.get(name) ?? NaN) - (before.get(name) ?? NaN);
  const sorted = latencies.slice().sort((a, b) => a - b);
  return {
    p50: quantile(sorted, 0.5),
    p99: quantile(sorted, 0.99),
    answered: sorted.length,
    failures,
    cpu: value('process_cpu_seconds_total') / ((performance.now() - began) / SECOND),
    rss: (after.get('process_resident_memory_bytes') ?? NaN) / MIB,
  };
}

/** One gateway: calm, attacked, and left alone again. */
async function scenario(name: string, env: Record<string, string>): Promise<void> {
  const database = await copyPlant(postgres, `attack_${name}`);
  const gateway = await startOurs(database, redis.url, { ...env, LOG_LEVEL: 'warn' });
  const pinned = pin(gateway.pid, 0);
  const operators = await Operators.open(gateway.port, plan.day, OPERATORS);
  operators.start();
  await sleep(3 * SECOND);
  const calm = await measured(operators, gateway);
  const orders: Orders = { port: gateway.port, address: STRANGER, connections, token };
  const stranger = fork(new URL('attack/stranger.ts', import.meta.url), [JSON.stringify(orders)], {
    execArgv: ['--import', 'tsx'],
  });
  const apart = pin(stranger.pid, 1) && pinned;
  // The stranger's connections take some seconds to open.
  await sleep(8 * SECOND);
  const attacked = await measured(operators, gateway);
  const tallies = await talliesOf(stranger);
  stranger.disconnect();
  await once(stranger, 'exit');
  await sleep(2 * SECOND);
  const after = await measured(operators, gateway);
  operators.stop();
  const ready = (await gateway.get('/readyz')).status === 200;
  if (!ready) problems.push(`${name}: the gateway is not ready at the end`);
  if (name === 'recommended' && attacked.failures > 0)
    problems.push(`${attacked.failures} requests of operators were not answered`);
  const refused = [...(await metricsOf(gateway))].filter(([key]) => /^mes_(connections_refused|rate_limited)_total/.test(key));
  await gateway.stop();
  const row = (title: string, { p50, p99, answered, failures, cpu, rss }: Part) => [
    title,
    ...[p50, p99].map(short),
    String(answered),
    String(failures),
    cpu.toFixed(2),
    short(rss),
  ];
  console.log(`\n## ${name} limits${apart ? ', gateway and stranger on a core each' : ', no cores of their own'}\n`);
  console.log(
    table(
      ['', 'p50 ms', 'p99 ms', 'answered', 'failed', 'gateway cores', 'RSS MiB'],
      [row('alone', calm), row('attacked', attacked), row('after', after)],
    ),
  );
  console.log(`\np99 attacked / alone: ${short(attacked.p99 / calm.p99)} (p50: ${short(attacked.p50 / calm.p50)})\n`);
  console.log(
    table(
      ['attack', 'open at the end', 'what became of it'],
      tallies.map(({ kind, answers, open }) => [
        kind,
        String(open),
        Object.entries(answers)
          .map(([what, count]) => `${what} × ${count}`)
          .join(', '),
      ]),
    ),
  );
  for (const [key, count] of refused) console.log(`${key} ${count}`);
}

await scenario('default', {});
await scenario('recommended', RECOMMENDED);
await Promise.all([redis.stop(), postgres.stop()]);
console.log(problems.length === 0 ? '\nThe gateway stood.' : `\nNOT AS PROMISED: ${problems.join('; ')}`);
process.exit(problems.length === 0 ? 0 : 1);
