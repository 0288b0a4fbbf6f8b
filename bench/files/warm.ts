import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GIB, KIB, MIB, type Bytes, type Milliseconds, type Seconds } from '../../src/units.js';
import { removeFolder, temporaryFolder } from '../../test/support/servers/temporary.js';
import { startGateways, startProxyCache, startSlices, startStatic, type FileServer } from './contestants.js';
import { download } from './download.js';
import { putRandomFile, sha256Of } from './objects.js';
import { choosePinning, type Pinning } from './pinning.js';
import { cpuSeconds, residentBytes } from './process-costs.js';
import { runWrk } from './wrk.js';
import type { World } from './world.js';

/** What one round gave for one server. */
export interface WarmRound {
  readonly rate: number;
  readonly bytesPerSecond: number;
  readonly p50: Milliseconds;
  readonly p99: Milliseconds;
  /** Of the server, and of its Redis, for each GiB that it sent. */
  readonly cpuPerGib: Seconds;
  readonly redisCpuPerGib: Seconds;
  /** Shares of one processor. */
  readonly serverCpu: number;
  readonly wrkCpu: number;
  readonly resident: Bytes;
  /** GETs that reached the store: 0 when it was warm. */
  readonly originReads: number;
  readonly failures: number;
}

export interface WarmWorkload {
  readonly name: string;
  readonly servers: readonly { readonly name: string; readonly rounds: readonly WarmRound[] }[];
}

export interface WarmResult {
  readonly pinning: string;
  readonly timing: Timing;
  readonly workloads: readonly WarmWorkload[];
}

interface Workload {
  readonly name: string;
  readonly path: string;
  readonly size: Bytes;
  /** First byte of a range of 64 KiB; `undefined`: the whole file. */
  readonly from?: Bytes;
  readonly connections: number;
  /** Whether slices of 1 MiB make a difference. */
  readonly sliced: boolean;
}

export interface Timing {
  readonly rounds: number;
  readonly seconds: Seconds;
}

const RANGE = 64 * KIB;
const WORKLOADS: readonly Workload[] = [
  { name: '64 KiB', path: 'warm/small.stl', size: 64 * KIB, connections: 32, sliced: false },
  { name: '1 MiB', path: 'warm/middle.stl', size: MIB, connections: 16, sliced: false },
  { name: '20 MiB', path: 'warm/large.stl', size: 20 * MIB, connections: 8, sliced: true },
  {
    name: '64 KiB range of 20 MiB',
    path: 'warm/large.stl',
    size: 20 * MIB,
    from: 10 * MIB + 4_321,
    connections: 32,
    sliced: true,
  },
];
/** Downloads of each kind before the rounds: a cache may want to see a file more than once before it keeps it. */
const WARMING = 3;

/** Requests for what every cache has, as many as one wrk can send. Rounds are interleaved and begin with another server each time. */
export async function measureWarm(world: World, { rounds, seconds }: Timing, say: (line: string) => void): Promise<WarmResult> {
  const timing = { rounds, seconds };
  const files = temporaryFolder();
  const contents = await putFiles(world, files);
  const pinning = await choosePinning();
  await pinning.pinElsewhere([world.redis.pid]);
  const slices = await startSlices(world);
  const servers = [await startGateways(world), await startProxyCache(world), ...slices, await startStatic(files)];
  try {
    for (const server of servers) await pinning.pinServer(server.pids());
    for (const server of servers) for (const workload of WORKLOADS) await warm(server, workload, contents);
    const workloads: WarmWorkload[] = [];
    for (const workload of WORKLOADS) {
      const taking = servers.filter((server) => workload.sliced || !slices.includes(server));
      workloads.push(await measureWorkload(world, taking, workload, timing, pinning, say));
    }
    return { pinning: pinning.text, timing, workloads };
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
    removeFolder(files);
  }
}

/** Into the store and the folder. Gives the bytes by path. */
async function putFiles({ client }: World, folder: string): Promise<ReadonlyMap<string, Buffer>> {
  const contents = new Map<string, Buffer>();
  mkdirSync(join(folder, 'warm'));
  for (const { path, size } of WORKLOADS) {
    if (contents.has(path)) continue;
    await putRandomFile(client, path, size, (bytes) => {
      contents.set(path, bytes);
      writeFileSync(join(folder, path), bytes);
    });
  }
  return contents;
}

/** @throws when an answer is not what is in the store */
async function warm(server: FileServer, workload: Workload, contents: ReadonlyMap<string, Buffer>): Promise<void> {
  const whole = contents.get(workload.path)!;
  const from = workload.from ?? 0;
  const expected = workload.from === undefined ? whole : whole.subarray(from, from + RANGE);
  const at = server.at(workload.path);
  for (let time = 0; time < WARMING; time += 1) {
    const { status, sha256 } = await download({ ...at, headers: [...at.headers, ...rangeHeader(workload)] }, { hash: true });
    if (status === (workload.from === undefined ? 200 : 206) && sha256 === sha256Of(expected)) continue;
    throw new Error(`${server.name} must answer ${workload.name} with the store's bytes, but got status ${status} and ${sha256}`);
  }
}

function rangeHeader({ from }: Workload): string[] {
  return from === undefined ? [] : [`range: bytes=${from}-${from + RANGE - 1}`];
}

async function measureWorkload(
  world: World,
  servers: readonly FileServer[],
  workload: Workload,
  timing: Timing,
  pinning: Pinning,
  say: (line: string) => void,
): Promise<WarmWorkload> {
  const results = servers.map(({ name }) => ({ name, rounds: [] as WarmRound[] }));
  for (let round = 0; round < timing.rounds; round += 1) {
    say(`warm, ${workload.name}: round ${round + 1} of ${timing.rounds}`);
    for (let turn = 0; turn < servers.length; turn += 1) {
      const index = (turn + round) % servers.length;
      results[index]!.rounds.push(await measure(world, servers[index]!, workload, timing.seconds, pinning));
    }
  }
  return { name: workload.name, servers: results };
}

async function measure(
  { origin }: World,
  server: FileServer,
  workload: Workload,
  seconds: Seconds,
  { elsewhere }: Pinning,
): Promise<WarmRound> {
  const { port, target, headers } = server.at(workload.path);
  await origin.reads();
  const [cpu, redisCpu] = [cpuSeconds(server.pids()), cpuSeconds(server.helperPids())];
  const load = await runWrk({
    url: `http://127.0.0.1:${port}${target}`,
    headers: [...headers, ...rangeHeader(workload)],
    connections: workload.connections,
    seconds,
    before: elsewhere,
  });
  const used = cpuSeconds(server.pids()) - cpu;
  const gibibytes = load.bytes / GIB;
  return {
    rate: load.requests / load.seconds,
    bytesPerSecond: load.bytes / load.seconds,
    p50: load.p50,
    p99: load.p99,
    cpuPerGib: used / gibibytes,
    redisCpuPerGib: (cpuSeconds(server.helperPids()) - redisCpu) / gibibytes,
    serverCpu: used / load.seconds,
    wrkCpu: load.cpu / load.seconds,
    resident: residentBytes(server.pids()),
    originReads: (await origin.reads()).filter(({ method }) => method === 'GET').length,
    failures: load.failures,
  };
}
