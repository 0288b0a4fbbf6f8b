import type { Bytes } from '../../src/units.js';
import { startGateways, startProxyCache, type FileServer } from './contestants.js';
import { download } from './download.js';
import { putRandomFile, type StoredFile } from './objects.js';
import type { OriginRead } from './origin.js';
import { createTrace, FILES, HOT, type Trace } from './trace.js';
import type { World } from './world.js';

const CLIENTS = 4;
/** Requests after which a cache that looks at its size only now and then is made to look. */
const BATCH = 10;
const CACHE_SHARE = 0.1;

/** What was asked for and what of it reached the store, in one stretch of the trace. */
export interface Traffic {
  readonly requests: number;
  readonly served: Bytes;
  readonly originReads: number;
  readonly originBytes: Bytes;
  /** Of the `HOT` most popular files alone. */
  readonly hotServed: Bytes;
  readonly hotOriginBytes: Bytes;
}

export interface ZipfRun {
  readonly name: string;
  readonly sweep: boolean;
  /** Cold at its beginning. */
  readonly before: Traffic;
  /** The last quarter of all requests before the middle, and the first one after it: `hot` files are compared in these. */
  readonly lastBefore: Traffic;
  readonly sweeping: Traffic;
  readonly firstAfter: Traffic;
  readonly after: Traffic;
  /** As a share of its bound: the most seen between batches. */
  readonly fullest: number;
  /** Downloads whose bytes were not the store's. */
  readonly wrong: number;
}

export interface ZipfResult {
  readonly seed: string;
  readonly files: number;
  readonly dataBytes: Bytes;
  readonly cacheBytes: Bytes;
  readonly runs: readonly ZipfRun[];
}

/** The same requests for each, with a cache of a tenth of the data, without and with a sweep over all files in the middle. */
export async function measureZipf(
  world: World,
  { seed, requests }: { seed: string; requests: number },
  say: (line: string) => void,
): Promise<ZipfResult> {
  const trace = createTrace(seed, requests);
  const files: StoredFile[] = [];
  for (const [index, size] of trace.sizes.entries()) files.push(await putRandomFile(world.client, `zipf/${index}.stl`, size));
  const dataBytes = trace.sizes.reduce((sum, size) => sum + size, 0);
  const cacheBytes = Math.round(dataBytes * CACHE_SHARE);
  const starts = [
    () => startGateways(world, { env: gatewaySettings(cacheBytes) }),
    () => startProxyCache(world, undefined, { maxBytes: cacheBytes }),
    () => startProxyCache(world, 'nginx proxy_cache, min_uses 2', { maxBytes: cacheBytes, minUses: 2 }),
  ];
  const runs: ZipfRun[] = [];
  for (const start of starts) {
    for (const sweep of [false, true]) {
      const server = await start();
      say(`zipf: ${server.name}, ${sweep ? 'with' : 'without'} a sweep`);
      try {
        runs.push(await new Play(world, server, files, cacheBytes).all(trace, sweep));
      } finally {
        await server.stop();
      }
    }
  }
  return { seed, files: FILES, dataBytes, cacheBytes, runs };
}

/** All bytes on the disk tier: bytes in memory and Redis would be a cache of their own beside it. */
function gatewaySettings(cacheBytes: Bytes): Record<string, string> {
  return {
    FILE_CACHE_MAX_BYTES: String(cacheBytes),
    FILE_INLINE_MAX_BYTES: '0',
    MEMORY_CACHE_MAX_BYTES: String(8 * 1024 * 1024),
  };
}

/** One pass of the trace against one server. */
class Play {
  readonly #world: World;
  readonly #server: FileServer;
  readonly #files: readonly StoredFile[];
  readonly #bound: Bytes;
  #fullest = 0;
  #wrong = 0;

  constructor(world: World, server: FileServer, files: readonly StoredFile[], bound: Bytes) {
    this.#world = world;
    this.#server = server;
    this.#files = files;
    this.#bound = bound;
  }

  async all(trace: Trace, sweep: boolean): Promise<ZipfRun> {
    const half = trace.before.length >> 1;
    const firstBefore = await this.#stretch(trace.before.slice(0, half));
    const lastBefore = await this.#stretch(trace.before.slice(half));
    const sweeping = await this.#stretch(sweep ? trace.sweep : []);
    const firstAfter = await this.#stretch(trace.after.slice(0, half));
    const lastAfter = await this.#stretch(trace.after.slice(half));
    return {
      name: this.#server.name,
      sweep,
      before: together(firstBefore, lastBefore),
      lastBefore,
      sweeping,
      firstAfter,
      after: together(firstAfter, lastAfter),
      fullest: this.#fullest,
      wrong: this.#wrong,
    };
  }

  async #stretch(indexes: readonly number[]): Promise<Traffic> {
    await this.#world.origin.reads();
    for (let at = 0; at < indexes.length; at += BATCH) {
      const queue = indexes.slice(at, at + BATCH).values();
      await Promise.all(Array.from({ length: CLIENTS }, () => this.#client(queue)));
      await this.#server.settle();
      this.#fullest = Math.max(this.#fullest, (await this.#server.cacheBytes()) / this.#bound);
    }
    return trafficOf(indexes, this.#files, await this.#world.origin.reads());
  }

  async #client(queue: IterableIterator<number>): Promise<void> {
    for (const index of queue) {
      const { path, sha256 } = this.#files[index]!;
      const got = await download(this.#server.at(path), { hash: true });
      if (got.status !== 200 || got.sha256 !== sha256) this.#wrong += 1;
    }
  }
}

export function trafficOf(indexes: readonly number[], files: readonly StoredFile[], reads: readonly OriginRead[]): Traffic {
  const hotPaths = new Set(files.slice(0, HOT).map(({ path }) => path));
  const sizes = (which: readonly number[]): Bytes => which.reduce((sum, index) => sum + files[index]!.size, 0);
  const bytes = (which: readonly OriginRead[]): Bytes => which.reduce((sum, each) => sum + each.bytes, 0);
  return {
    requests: indexes.length,
    served: sizes(indexes),
    originReads: reads.filter(({ method }) => method === 'GET').length,
    originBytes: bytes(reads),
    hotServed: sizes(indexes.filter((index) => index < HOT)),
    hotOriginBytes: bytes(reads.filter(({ path }) => hotPaths.has(path))),
  };
}

export function together(...parts: readonly Traffic[]): Traffic {
  const sum = (of: (part: Traffic) => number): number => parts.reduce((total, part) => total + of(part), 0);
  return {
    requests: sum(({ requests }) => requests),
    served: sum(({ served }) => served),
    originReads: sum(({ originReads }) => originReads),
    originBytes: sum(({ originBytes }) => originBytes),
    hotServed: sum(({ hotServed }) => hotServed),
    hotOriginBytes: sum(({ hotOriginBytes }) => hotOriginBytes),
  };
}
