import { MIB, type Bytes, type Milliseconds } from '../../src/units.js';
import { quantile } from '../support/numbers.js';
import { startGateways, startProxyCache, startSlices, type FileServer } from './contestants.js';
import { Download, type Downloaded } from './download.js';
import { putRandomFile, type StoredFile } from './objects.js';
import type { World } from './world.js';

export const CLIENTS = 200;
const SIZE: Bytes = 20 * MIB;
/** Connections opened at once: a listener's queue is short. */
const OPENED_AT_ONCE = 50;

/** One crowd on one file. */
export interface ColdRound {
  /** GETs, with those of parts; other requests (HEAD). */
  readonly originReads: number;
  readonly otherRequests: number;
  /** As a multiple of the file. */
  readonly originBytes: number;
  readonly firstByte: Quantiles;
  readonly lastByte: Quantiles;
  /** Downloads that were not the store's bytes, by what they were instead. */
  readonly failures: Readonly<Record<string, number>>;
}

export interface Quantiles {
  readonly p50: Milliseconds;
  readonly p99: Milliseconds;
}

export type ColdResult = readonly { readonly name: string; readonly rounds: readonly ColdRound[] }[];

/** `CLIENTS` at once ask for a file that nobody has asked for; once in each round, each time for another one. */
export async function measureCold(world: World, rounds: number, say: (line: string) => void): Promise<ColdResult> {
  const files: StoredFile[] = [];
  for (let round = 0; round < rounds; round += 1) files.push(await putRandomFile(world.client, `cold/${round}.stl`, SIZE));
  const starts = [
    async () => [await startGateways(world)],
    async () => [await startGateways(world, { processes: 2 })],
    async () => [await startProxyCache(world)],
    () => startSlices(world),
  ];
  const results: { name: string; rounds: ColdRound[] }[] = [];
  for (const start of starts) {
    for (const server of await start()) {
      say(`cold: ${server.name}`);
      try {
        const measured: ColdRound[] = [];
        for (const file of files) measured.push(await crowd(world, server, file));
        results.push({ name: server.name, rounds: measured });
      } finally {
        await server.stop();
      }
    }
  }
  return results;
}

async function crowd({ origin }: World, server: FileServer, { path, size, sha256 }: StoredFile): Promise<ColdRound> {
  const clients: Download[] = [];
  while (clients.length < CLIENTS) {
    const opened = Array.from({ length: OPENED_AT_ONCE }, (_, index) =>
      Download.open(server.at(path, clients.length + index).port),
    );
    clients.push(...(await Promise.all(opened)));
  }
  await origin.reads();
  // Hashing is work for the processors that the servers run on: one client in ten does.
  const answers = clients.map((client, index) => client.get(server.at(path, index), { hash: index % 10 === 0 }).catch(toError));
  const whole: Downloaded[] = [];
  const failures: Record<string, number> = {};
  for (const answer of await Promise.all(answers)) {
    const failure = failureOf(answer, { size, sha256 });
    if (failure !== undefined) failures[failure] = (failures[failure] ?? 0) + 1;
    else whole.push(answer as Downloaded);
  }
  const asked = await origin.reads();
  return {
    originReads: asked.filter(({ method }) => method === 'GET').length,
    otherRequests: asked.filter(({ method }) => method !== 'GET').length,
    originBytes: asked.reduce((sum, { bytes }) => sum + bytes, 0) / size,
    firstByte: quantiles(whole.map(({ firstByte }) => firstByte)),
    lastByte: quantiles(whole.map(({ lastByte }) => lastByte)),
    failures,
  };
}

function toError(error: unknown): Error {
  return error as Error;
}

function failureOf(answer: Downloaded | Error, { size, sha256 }: Pick<StoredFile, 'size' | 'sha256'>): string | undefined {
  if (answer instanceof Error) return answer.message.replace(/\d+ bytes/, 'some bytes');
  if (answer.status !== 200) return `status ${answer.status}`;
  if (answer.bytes !== size || (answer.sha256 !== undefined && answer.sha256 !== sha256)) return 'wrong bytes';
  return undefined;
}

function quantiles(values: readonly Milliseconds[]): Quantiles {
  const sorted = [...values].sort((a, b) => a - b);
  return { p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99) };
}
