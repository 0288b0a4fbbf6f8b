import { MIB, type Bytes } from '../../src/units.js';
import { median, short, table } from '../support/numbers.js';
import { CLIENTS, type ColdResult, type ColdRound } from './cold.js';
import { GATEWAY } from './contestants.js';
import { judgeFlat, type SlowResult } from './slow.js';
import { percent, warmProblems, warmText } from './warm-report.js';
import type { WarmResult } from './warm.js';
import { together, type Traffic, type ZipfResult, type ZipfRun } from './zipf.js';
import { HOT } from './trace.js';

export interface Results {
  readonly warm?: WarmResult;
  readonly cold?: ColdResult;
  readonly zipf?: ZipfResult;
  readonly slow?: SlowResult;
}

/** More than the file once, by heads of answers and a few requests that fail. */
const ONE_READ = 1.05;

/** All tables, and where the gateway is not as promised. */
export function filesReport({ warm, cold, zipf, slow }: Results): { text: string; problems: string[] } {
  const parts = [
    ...(warm ? [warmText(warm)] : []),
    ...(cold ? [coldText(cold)] : []),
    ...(zipf ? [zipfText(zipf)] : []),
    ...(slow ? [slowText(slow)] : []),
  ];
  const problems = [
    ...(warm ? warmProblems(warm) : []),
    ...(cold ? coldProblems(cold) : []),
    ...(zipf ? zipfProblems(zipf) : []),
    ...(slow ? slowProblems(slow) : []),
  ];
  return { text: parts.join('\n\n'), problems };
}

function coldText(results: ColdResult): string {
  const rows = results.map(({ name, rounds }) => {
    const middle = (value: (one: ColdRound) => number): string => short(median(rounds.map(value)));
    const reads = rounds.map(({ originReads }) => originReads);
    return [
      name,
      `${short(median(reads))} (${Math.max(...reads)})`,
      middle(({ otherRequests }) => otherRequests),
      `${middle(({ originBytes }) => originBytes)} ×`,
      middle(({ firstByte }) => firstByte.p50),
      middle(({ firstByte }) => firstByte.p99),
      middle(({ lastByte }) => lastByte.p50),
      middle(({ lastByte }) => lastByte.p99),
      String(failedOf(rounds)),
    ];
  });
  const head = [
    '',
    'origin reads (worst)',
    'HEADs',
    'origin bytes',
    'first byte p50 ms',
    'p99 ms',
    'last byte p50 ms',
    'p99 ms',
    'failed',
  ];
  const rounds = results[0]?.rounds.length ?? 0;
  return `## Cold\n\n${CLIENTS} clients at once on one cold file of 20 MiB; medians of ${rounds} files.\n\n${table(head, rows)}`;
}

function coldProblems(results: ColdResult): string[] {
  return results
    .filter(({ name }) => name.startsWith(GATEWAY))
    .flatMap(({ name, rounds }) => {
      const most = Math.max(...rounds.map(({ originBytes }) => originBytes));
      const reasons = [...new Set(rounds.flatMap(({ failures }) => Object.keys(failures)))].join(', ');
      return [
        ...(most > ONE_READ ? [`cold: ${name} read ${short(most)} times the file from the store`] : []),
        ...(reasons === '' ? [] : [`cold: ${failedOf(rounds)} downloads from ${name} failed: ${reasons}`]),
      ];
    });
}

function failedOf(rounds: readonly ColdRound[]): number {
  return rounds.flatMap(({ failures }) => Object.values(failures)).reduce((sum, count) => sum + count, 0);
}

function zipfText({ seed, files, dataBytes, cacheBytes, runs }: ZipfResult): string {
  const rows = runs.map((run) => {
    const all = together(run.before, run.sweeping, run.after);
    return [
      run.name,
      run.sweep ? 'yes' : 'no',
      String(all.requests),
      mebibytes(all.served),
      String(all.originReads),
      mebibytes(all.originBytes),
      percent(saved(all)),
      percent(saved(run.after)),
      percent(hotHits(run.lastBefore)),
      percent(hotHits(run.firstAfter)),
      percent(run.fullest),
      String(run.wrong),
    ];
  });
  const head = ['', 'sweep', 'requests', 'served MiB', 'origin reads', 'origin MiB', 'saved', 'saved after the middle'];
  const more = ['hot before', 'hot after', 'cache at its fullest', 'wrong'];
  const size = `${files} files, ${mebibytes(dataBytes)} MiB together, a cache of ${mebibytes(cacheBytes)} MiB`;
  return `## Zipf\n\nSeed "${seed}": ${size}. "hot": bytes of the ${HOT} most popular files that were not read from the store, in the quarter before the middle and the one after.\n\n${table([...head, ...more], rows)}`;
}

/** Bytes that did not come from the store. Below 0: more came than was asked for. */
export function saved({ served, originBytes }: Traffic): number {
  return 1 - originBytes / served;
}

export function hotHits({ hotServed, hotOriginBytes }: Traffic): number {
  return 1 - hotOriginBytes / hotServed;
}

function zipfProblems({ runs }: ZipfResult): string[] {
  const name = ({ name, sweep }: ZipfRun): string => `${name}, ${sweep ? 'with' : 'without'} a sweep`;
  return runs.filter(({ wrong }) => wrong > 0).map((run) => `zipf: ${run.wrong} wrong downloads from ${name(run)}`);
}

function slowText(result: SlowResult): string {
  const { thirds } = judgeFlat(result.resident);
  const rows = [
    [
      GATEWAY,
      mebibytes(result.idle),
      ...thirds.map(mebibytes),
      mebibytes(Math.min(...result.resident)),
      mebibytes(Math.max(...result.resident)),
      mebibytes(result.received),
      mebibytes(result.originBytes),
      String(result.broken),
    ],
  ];
  const head = [
    '',
    'RSS idle MiB',
    'first third',
    'middle third',
    'last third',
    'least',
    'most',
    'received MiB',
    'origin MiB',
    'broken',
  ];
  const what = `${result.readers} clients read a file of ${result.fileBytes / MIB} MiB at ${mebibytes(result.rate)} MiB/s each`;
  return `## Slow\n\n${what}, for ${short(result.seconds)} s.\n\n${table(head, rows)}`;
}

function slowProblems({ resident, broken }: SlowResult): string[] {
  const { flat } = judgeFlat(resident);
  return [...(flat ? [] : ['slow: memory grew']), ...(broken > 0 ? [`slow: ${broken} connections broke`] : [])];
}

function mebibytes(bytes: Bytes): string {
  return short(bytes / MIB);
}
