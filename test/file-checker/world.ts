import { pick, seededRandom, type Random } from '../../src/embedded/random.js';
import { HOUR, type Bytes } from '../../src/units.js';
import type { PendingRenewals } from '../checker/pending.js';
import { Spans } from '../checker/spans.js';
import { freshPlant } from '../support/plant.js';
import { startPostgres } from '../support/servers/postgres.js';
import { startRedis, type RedisServer } from '../support/servers/redis.js';
import { startS3, type S3Address } from '../support/servers/s3.js';
import { startProxy } from '../support/proxy.js';
import { tokenFor } from '../support/tokens.js';
import * as bounds from './bounds.js';
import type { FileHistory } from './history.js';
import { Host } from './host.js';
import { closeConnections } from './http-client.js';
import { Instance } from './instance.js';
import type { FileCheckOptions } from './options.js';
import { OriginProxy } from './origin-proxy.js';
import { checkOutput } from './output.js';
import { faultsOf, Report } from './report.js';
import { preloads, settings } from './settings.js';
import { newFiles, SIZES } from './files.js';
import { openFolderStore, openS3Store, type Store } from './store.js';

export type Settler = PendingRenewals<Instance>;

/** Servers that run already; a check starts those that are missing. */
export interface Servers {
  readonly postgres?: string;
  readonly s3?: S3Address;
}

/** All that a check runs on. */
export interface World {
  readonly options: FileCheckOptions;
  readonly report: Report;
  readonly redis: RedisServer;
  readonly store: Store;
  /** Where the store is, if it is a folder. */
  readonly root: string | undefined;
  readonly files: readonly FileHistory[];
  /** What FILE_CACHE_MAX_BYTES is. */
  readonly cacheMax: Bytes;
  /** About which size each of them has. */
  readonly sizes: readonly Bytes[];
  readonly hosts: readonly Host[];
  readonly instances: readonly Instance[];
  /** Of an operator, and of a service. */
  readonly tokens: { readonly operator: string; readonly service: string };
  /** What a gateway under check can be told by. */
  readonly has: { upload: boolean; events: boolean };
  /** When the store of files was disturbed for anybody. */
  readonly originTrouble: Spans;
  /** When anything was. */
  readonly trouble: Spans;
  /** Faults that go on now. */
  readonly faults: Set<string>;
  /** Aborted when the check is over. */
  readonly over: AbortSignal;
}

/** How gateways differ: how late the answers of the store of files are at most, and how late Redis hears of what was acknowledged. */
const WEATHERS = [
  { origin: 5, redis: { upstream: 1, downstream: 0 } },
  { origin: 60, redis: { upstream: 40, downstream: 5 } },
  { origin: 20, redis: { upstream: 0, downstream: 0 } },
];

/** So that an acknowledgement that comes too early is early by much, on busy cores too. */
const LATE = { upstream: 120, downstream: 5 };

export type Closing = (() => void | Promise<void>)[];

/** A repeatable sequence of its own for each part of a check. */
export function randomFor({ seed }: FileCheckOptions, part: string): Random {
  return seededRandom(`${seed}/${part}`);
}

/** A gateway that runs, if there is one. */
export function pickUp({ instances }: Pick<World, 'instances'>, random: Random): Instance | undefined {
  const up = instances.filter(({ isUp }) => isUp);
  return up.length > 0 ? pick(random, up) : undefined;
}

/** Starts servers and gateways. `closing` gets what ends all of them, also after a start that failed half-way. */
export async function openWorld(
  options: FileCheckOptions,
  servers: Servers,
  over: AbortSignal,
  closing: Closing,
): Promise<World> {
  const report = new Report(faultsOf(options.source));
  const redis = await startRedis();
  closing.push(() => redis.stop());
  const plant = await freshPlant({ server: await postgresUrl(servers, closing) });
  const total = SIZES.reduce((sum, size) => sum + size, 0);
  const cacheMax = Math.floor(total * bounds.CACHE_SHARE);
  const hosts = ['large disk', 'small disk'].map((name, index) => new Host(name, index === 1 ? 2 * cacheMax : undefined));
  closing.push(() => hosts.forEach((host) => host.close()));
  closing.push(closeConnections);
  const { store, root, target } = await openStore(options, servers, hosts[0]!, closing);
  closing.push(() => store.close());
  const env = { ...settings(options, cacheMax), MES_DATABASE_URL: plant.url };
  const parts = { report, redis, store, target, hosts, env };
  const starting = Array.from({ length: options.gateways }, (_, index) => startInstance(index, options, parts, closing));
  // All of them are registered to be closed before the first failure is told.
  await Promise.allSettled(starting);
  const instances = await Promise.all(starting);
  const tokens = { operator: await token('operator'), service: await token('service') };
  const files = newFiles(randomFor(options, 'files'));
  const spans = { originTrouble: new Spans(), trouble: new Spans() };
  const has = { upload: false, events: false };
  return {
    options,
    report,
    redis,
    store,
    root,
    files,
    sizes: SIZES,
    cacheMax,
    hosts,
    instances,
    tokens,
    has,
    ...spans,
    faults: new Set(),
    over,
  };
}

interface Parts extends Pick<World, 'report' | 'redis' | 'store' | 'hosts'> {
  /** Where the store is, if it is one over HTTP. */
  readonly target: string | undefined;
  readonly env: Readonly<Record<string, string>>;
}

async function startInstance(index: number, options: FileCheckOptions, parts: Parts, closing: Closing): Promise<Instance> {
  const { report, redis, store, target, hosts } = parts;
  const weather = WEATHERS[index % WEATHERS.length]!;
  const way = await startProxy({ port: redis.port });
  way.setDelay(options.bug && weather.redis.upstream > 1 ? LATE : weather.redis);
  closing.push(() => way.close());
  const proxy = target !== undefined && new OriginProxy(target, weather.origin, randomFor(options, `origin ${index}`));
  const origin = proxy ? await proxy.open() : undefined;
  if (origin) closing.push(() => origin.close());
  const instance = await Instance.start(index, {
    env: { ...parts.env, ...store.env(origin?.endpoint), REDIS_URL: `redis://${way.host}:${way.port}` },
    preloads: preloads(options),
    host: hosts[index % 3 === 2 ? 1 : 0]!,
    origin,
    way,
    onEnd: (name, output) => checkOutput(report, name, output),
  });
  closing.push(() => instance.stop());
  return instance;
}

async function postgresUrl({ postgres }: Servers, closing: Closing): Promise<string> {
  if (postgres !== undefined) return postgres;
  const server = await startPostgres();
  closing.push(() => server.stop());
  return server.url;
}

async function openStore({ source }: FileCheckOptions, servers: Servers, host: Host, closing: Closing) {
  if (source === 'folder') {
    const store = openFolderStore(host.besides('store'));
    return { store, root: store.root, target: undefined };
  }
  const address = servers.s3 ?? (await startOwnS3(closing));
  return { store: await openS3Store(address), root: undefined, target: address.endpoint };
}

async function startOwnS3(closing: Closing): Promise<S3Address> {
  const server = await startS3();
  closing.push(() => server.stop());
  return server;
}

function token(role: string): Promise<string> {
  return tokenFor({ role }, { expiresIn: 24 * HOUR });
}
