import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { GIB, type Bytes } from '../../src/units.js';
import { nginxModules, startNginx } from '../../test/support/servers/nginx.js';
import { removeFolder, temporaryFolder } from '../../test/support/servers/temporary.js';
import { s3Environment } from '../../test/support/servers/s3.js';
import { startOurs } from '../support/gateway.js';
import { cacheManager, diskBytes } from './cache-folder.js';
import type { DownloadTarget } from './download.js';
import { proxyCache, staticFiles, type ProxyCacheOptions } from './nginx-config.js';
import { BUCKET } from './origin.js';
import type { World } from './world.js';

/** One server of the files, or several processes that share a cache. */
export interface FileServer {
  readonly name: string;
  /** How a path is asked for; consecutive `client`s are spread over the processes. */
  at(path: string, client?: number): DownloadTarget;
  /** Whose processor time and memory count. */
  pids(): readonly number[];
  /** Of the other servers that it alone uses; theirs is shown apart. */
  helperPids(): readonly number[];
  /** What its cache takes on disk now. */
  cacheBytes(): Promise<Bytes>;
  /** Brings its cache down to its bound, where it would do that by itself only later. */
  settle(): Promise<void>;
  stop(): Promise<void>;
}

export const STATIC = 'nginx static';
export const PROXY_CACHE = 'nginx proxy_cache';
export const GATEWAY = 'mes-gateway';

const nothing = (): Promise<void> => Promise.resolve();

export interface GatewayChoice {
  readonly processes?: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** The gateway as it is shipped but for `env`, with a Redis database and a cache folder of its own, empty. */
export async function startGateways(world: World, { processes = 1, env = {} }: GatewayChoice = {}): Promise<FileServer> {
  const folder = temporaryFolder();
  const cache = join(folder, 'file-cache');
  await mkdir(cache);
  await world.redis.cli('flushall');
  const settings = { ...s3Environment(world.origin.counted, BUCKET), FILE_CACHE_DIR: cache, ...env };
  const gateways = await Promise.all(
    Array.from({ length: processes }, () => startOurs(world.databaseUrl, world.redis.url, settings)),
  );
  const headers = [`authorization: Bearer ${world.token}`];
  return {
    name: processes === 1 ? GATEWAY : `${GATEWAY}, ${processes} processes`,
    at: (path, client = 0) => ({ port: gateways[client % processes]!.port, target: `/files/${path}`, headers }),
    pids: () => gateways.map(({ pid }) => pid),
    helperPids: () => [world.redis.pid],
    cacheBytes: () => diskBytes(cache),
    settle: nothing,
    stop: async () => {
      await Promise.all(gateways.map((gateway) => gateway.stop()));
      removeFolder(folder);
    },
  };
}

export async function startProxyCache(
  world: World,
  name = PROXY_CACHE,
  options: Omit<ProxyCacheOptions, 'origin' | 'maxBytes'> & { maxBytes?: Bytes } = {},
): Promise<FileServer> {
  const maxBytes = options.maxBytes ?? 10 * GIB;
  const http = (place: { port: number; folder: string }) => proxyCache(place, { origin: world.origin.url, ...options, maxBytes });
  const server = await startNginx({ http });
  const cache = join(server.folder, 'cache');
  return {
    name,
    at: (path) => ({ port: server.port, target: `/files/${path}`, headers: [] }),
    pids: () => server.processes().map(({ pid }) => pid),
    helperPids: () => [],
    cacheBytes: () => diskBytes(cache),
    settle: () => cacheManager(server).evictDownTo(maxBytes, cache),
    stop: () => server.stop(),
  };
}

/** A `proxy_cache` that fetches and keeps slices; none where nginx was built without that module. */
export async function startSlices(world: World): Promise<FileServer[]> {
  if (!(await nginxModules()).has('http_slice_module')) return [];
  return [await startProxyCache(world, 'nginx proxy_cache, slices', { slice: '1m' })];
}

export async function startStatic(files: string): Promise<FileServer> {
  const server = await startNginx({ http: (place) => staticFiles(place, files) });
  return {
    name: STATIC,
    at: (path) => ({ port: server.port, target: `/files/${path}`, headers: [] }),
    pids: () => server.processes().map(({ pid }) => pid),
    helperPids: () => [],
    cacheBytes: () => Promise.resolve(0),
    settle: nothing,
    stop: () => server.stop(),
  };
}
