import type { FastifyBaseLogger } from 'fastify';
import type { Config } from '../config.js';
import { DiskTier } from '../files/disk/disk-tier.js';
import type { FileMetrics } from '../files/disk/metrics.js';
import type { FileSource } from '../files/file.js';
import { Variants, type VariantMetrics } from '../files/variants.js';
import { systemTime } from '../time.js';
import type { FilesRouteDeps } from '../http/files-route.js';
import { askingOf } from '../http/rate-hooks.js';
import type { RateLimits } from '../http/rate-limits.js';
import type { Sessions } from '../http/sessions.js';
import { fileTokenKey } from '../files/keys.js';
import type { Metrics } from '../telemetry/metrics.js';
import type { OpenedCache } from './cache.js';
import type { Closing } from './closing.js';

/** The tier that keeps the bytes of files on disk, in front of where they come from. */
export function openDiskTier(
  { files }: Config,
  source: FileSource,
  metrics: FileMetrics,
  log: FastifyBaseLogger,
  closing: Closing,
): DiskTier {
  const tier = new DiskTier({ ...files.disk, source, metrics, log, time: systemTime });
  closing.push(() => tier.close());
  return tier;
}

/** A part of what the memory tier may take, beside it. */
const VARIANTS_PART = 1 / 8;

/** Encoded forms of files; `undefined` if none are wanted. */
export function openVariants(
  { files, store }: Config,
  disk: DiskTier,
  metrics: VariantMetrics,
  closing: Closing,
): Variants | undefined {
  if (!files.compression) return undefined;
  const variants = new Variants({
    memoryMax: Math.floor(store.maxMemory * VARIANTS_PART),
    disk: files.disk.max > 0 ? disk.variants : undefined,
    open: (file, options) => disk.open(file, options),
    metrics,
    time: systemTime,
  });
  closing.push(() => variants.close());
  return variants;
}

export interface FilesParts {
  readonly sessions: Sessions;
  readonly cache: OpenedCache;
  readonly disk: DiskTier;
  readonly metrics: Metrics;
  readonly rates: RateLimits;
}

/** What downloads are made of. */
export function filesDeps({ sessions, cache: { caches, renewals }, disk, metrics, rates }: FilesParts): FilesRouteDeps {
  return {
    authorise: async (request, path) => {
      await sessions.authoriseFile(request, path);
      if (request.notes.rate) rates.startFile(askingOf(request), request.notes.rate.notes);
    },
    spendBytes: (request, bytes) => {
      if (request.notes.rate) rates.sendFile(askingOf(request), bytes, request.notes.rate.notes);
    },
    readFile: async (path) => {
      const [answer] = await caches.files.readMany([path], metrics);
      return answer?.value ? { ...answer.value, outcome: answer.outcome } : null;
    },
    openFile: (file, options) => disk.open(file, options),
    servedInline: (bytes) => metrics.files.served('memory', bytes),
    fileChanged: async (path) => {
      await renewals.renew([fileTokenKey(path)]);
    },
  };
}
