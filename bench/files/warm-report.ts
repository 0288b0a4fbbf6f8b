import { MIB } from '../../src/units.js';
import { median, short, table } from '../support/numbers.js';
import { PROXY_CACHE, STATIC } from './contestants.js';
import type { WarmResult, WarmRound, WarmWorkload } from './warm.js';

/** Of a processor: whoever uses so much has no more. */
const BUSY = 0.95;

export function warmText({ pinning, timing, workloads }: WarmResult): string {
  return [
    `## Warm\n\nOne wrk with one thread; ${pinning}. Medians of ${timing.rounds} interleaved rounds of ${timing.seconds} s.`,
    ...workloads.map(workloadText),
  ].join('\n\n');
}

function workloadText({ name, servers }: WarmWorkload): string {
  const roundsOf = (wanted: string): readonly WarmRound[] => servers.find((each) => each.name === wanted)?.rounds ?? [];
  const rows = servers.map((server) => {
    const middle = (value: (one: WarmRound) => number): number => median(server.rounds.map(value));
    const against = (other: string, value: (one: WarmRound) => number): string => ratio(server.rounds, roundsOf(other), value);
    return [
      server.name,
      short(middle(({ rate }) => rate)),
      short(middle(({ bytesPerSecond }) => bytesPerSecond) / MIB),
      against(STATIC, ({ bytesPerSecond }) => bytesPerSecond),
      against(PROXY_CACHE, ({ bytesPerSecond }) => bytesPerSecond),
      short(middle(({ cpuPerGib }) => cpuPerGib)),
      against(STATIC, ({ cpuPerGib }) => cpuPerGib),
      against(PROXY_CACHE, ({ cpuPerGib }) => cpuPerGib),
      short(middle(({ redisCpuPerGib }) => redisCpuPerGib)),
      short(middle(({ resident }) => resident) / MIB),
      short(middle(({ p50 }) => p50)),
      short(middle(({ p99 }) => p99)),
      busy(middle(({ serverCpu }) => serverCpu)),
      busy(middle(({ wrkCpu }) => wrkCpu)),
      String(Math.max(...server.rounds.map(({ originReads }) => originReads))),
    ];
  });
  const head = ['', 'requests/s', 'MiB/s', 'of static', 'of proxy_cache', 'CPU s/GiB', 'of static', 'of proxy_cache'];
  const more = ['Redis CPU s/GiB', 'RSS MiB', 'p50 ms', 'p99 ms', 'CPU used', "wrk's", 'origin reads (worst)'];
  return `### ${name}\n\n${table([...head, ...more], rows)}`;
}

/** The median of the ratios within each round. */
export function ratio<T>(own: readonly T[], others: readonly T[], value: (one: T) => number): string {
  const ratios = own.flatMap((one, index) => {
    const other = others[index];
    return other === undefined ? [] : [value(one) / value(other)];
  });
  return ratios.length === 0 ? '–' : `${short(median(ratios))} ×`;
}

function busy(share: number): string {
  return `${percent(share)}${share >= BUSY ? ' (all)' : ''}`;
}

export function warmProblems({ workloads }: WarmResult): string[] {
  return workloads.flatMap(({ name, servers }) =>
    servers.flatMap((server) => {
      const failures = server.rounds.reduce((sum, each) => sum + each.failures, 0);
      const originReads = Math.max(...server.rounds.map((each) => each.originReads));
      return [
        ...(failures > 0 ? [`warm, ${name}: ${failures} requests to ${server.name} failed`] : []),
        ...(originReads > 0 ? [`warm, ${name}: ${server.name} asked the store ${originReads} times in a round`] : []),
      ];
    }),
  );
}

export function percent(share: number): string {
  return Number.isFinite(share) ? `${(share * 100).toFixed(1)} %` : '–';
}
