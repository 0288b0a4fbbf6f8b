import { SECOND } from '../../src/units.js';
import { Dice } from './dice.js';
import { storeEventProbe } from './event-probes.js';
import { fileProbe, uploadProbe } from './file-probes.js';
import { graphqlProbe } from './graphql-probes.js';
import { Judge } from './judge.js';
import { Lane } from './lane.js';
import { MemoryWatch } from './memory.js';
import type { FuzzOptions } from './options.js';
import { TARGETS, type Ground, type Probe } from './probe.js';
import { rawProbe } from './raw-probes.js';
import { websocketProbe } from './websocket-probes.js';
import type { FuzzWorld } from './world.js';

const KINDS: readonly (readonly [weight: number, make: (dice: Dice, ground: Ground) => Probe])[] = [
  [50, (dice, ground) => graphqlProbe(dice, ground, false)],
  [5, (dice, ground) => graphqlProbe(dice, ground, true)],
  [18, fileProbe],
  [8, uploadProbe],
  [10, storeEventProbe],
  [2, websocketProbe],
  [7, rawProbe],
];

/** The request with this number; the same for the same seed and ground. */
export function probeOf(seed: string, number: number, ground: Ground): Probe {
  const dice = new Dice(`${seed}:${number}`);
  return dice.weighted(KINDS)(dice, ground);
}

export interface FuzzReport {
  readonly sent: number;
  /** What must not be; empty: all is well. */
  readonly problems: readonly string[];
  readonly lines: readonly string[];
}

/** Sends random requests to a gateway until there are enough, and looks what became of it. */
export async function fuzz(world: FuzzWorld, options: FuzzOptions): Promise<FuzzReport> {
  const { gateway, ground } = world;
  const judge = new Judge();
  const memory = new MemoryWatch(gateway);
  const each = Math.max(50, Math.floor(options.requests / 120));
  let [next, sent, sampled] = [options.only ?? 0, 0, 0];
  const began = performance.now();
  const isOver = () => sent >= options.requests || !gateway.isRunning() || (options.only !== undefined && next > options.only);
  const work = async (lane: Lane): Promise<void> => {
    while (!isOver()) {
      const number = next++;
      const probe = probeOf(options.seed, number, ground);
      judge.take(number, probe, await lane.send(probe));
      sent += probe.target === 'websocket' ? probe.pieces.length : 1;
      if (sent < sampled + each) continue;
      sampled = sent;
      await memory.sample().catch(() => undefined);
    }
    lane.close();
  };
  const lanes = options.only === undefined ? options.lanes : 1;
  await Promise.all(Array.from({ length: lanes }, () => work(new Lane(gateway.port))));
  const seconds = (performance.now() - began) / SECOND;
  const flat = memory.verdict(sent);
  const problems = [
    ...problemsOf(judge),
    ...(flat.grew ? [`memory grew: ${flat.line}`] : []),
    ...(await stateProblems(world, judge)),
  ];
  return { sent, problems, lines: [...countLines(judge, world.absent), flat.line, speed(sent, seconds)] };
}

function problemsOf({ findings, found }: Judge): string[] {
  const shown = findings.map(
    ({ number, target, why, sent, answer }) =>
      `${why}, request ${number} (${target}; repeat with --only ${number})\n  sent ${sent}\n  got  ${answer}`,
  );
  return found > findings.length ? [...shown, `and ${found - findings.length} more`] : shown;
}

/** Whether the gateway lives, is ready, has logged no fault of its own, and holds what it held. */
async function stateProblems({ gateway, damage }: FuzzWorld, { written }: Judge): Promise<string[]> {
  if (!gateway.isRunning()) return [`the gateway has ended:\n${gateway.output().slice(-3_000)}`];
  const ready = await gateway.get('/readyz');
  const faults = gateway.output().match(/^.*"level":[56]0.*$/gm) ?? [];
  return [
    ...(ready.status === 200 ? [] : [`/readyz answers ${ready.status}`]),
    ...(faults.length === 0
      ? []
      : [`${faults.length} errors in the log, such as ${faults.slice(0, 3).join('\n').slice(0, 3_000)}`]),
    ...(await damage(written)),
  ];
}

function countLines({ counts }: Judge, absent: readonly string[]): string[] {
  const lines = TARGETS.map((target) => {
    const found = [...(counts.get(target) ?? [])].sort(([a], [b]) => a.localeCompare(b));
    const total = found.reduce((sum, [, count]) => sum + count, 0);
    return `${target.padEnd(18)} ${String(total).padStart(7)}: ${found.map(([status, count]) => `${status} × ${count}`).join(', ')}`;
  });
  return [...lines, ...absent.map((route) => `${route} is not there`)];
}

function speed(sent: number, seconds: number): string {
  return `${sent} requests in ${seconds.toFixed(0)} s, ${(sent / seconds).toFixed(0)} a second`;
}
