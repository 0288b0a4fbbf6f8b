import { createHash } from 'node:crypto';
import * as fs from 'node:fs/promises';
import { Readable } from 'node:stream';
import { DiskTier, type DiskTierOptions } from '../../src/files/disk/disk-tier.js';
import type { FileMetrics } from '../../src/files/disk/metrics.js';
import { FileChangedError, type ByteRange, type FileMetadata, type OpenedFile, type OpenOptions } from '../../src/files/file.js';
import { systemTime } from '../../src/time.js';
import { KIB, MIB, type Bytes } from '../../src/units.js';

export const SLICE = 64 * KIB;

/** Bytes that tell their version and their place: no two versions, and no two places of one, look alike. */
export function bytesOf(path: string, version: number, size: Bytes): Buffer {
  const words = new Uint32Array(Math.ceil(size / 4));
  let state = Array.from(`${path}#${version}`).reduce(
    (hash, char) => Math.imul(hash ^ (char.codePointAt(0) ?? 0), 16_777_619),
    2_166_136_261,
  );
  for (let index = 0; index < words.length; index += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    words[index] = state ^ (state >>> 16) ^ index;
  }
  return Buffer.from(words.buffer).subarray(0, size);
}

/** How the origin gives the bytes of one read. */
export type Body = (bytes: Buffer) => Readable;

export const inPieces =
  (piece: Bytes = 100_000, between: () => Promise<void> = () => new Promise((resolve) => setImmediate(resolve))): Body =>
  (bytes) => {
    async function* pieces(): AsyncGenerator<Buffer> {
      for (let from = 0; from < bytes.length; from += piece) {
        await between();
        yield bytes.subarray(from, from + piece);
      }
    }
    return Readable.from(pieces(), { objectMode: false });
  };

/** A store whose files the test changes, and which counts. */
export class Origin {
  readonly files = new Map<string, { version: number; bytes: Buffer }>();
  readonly reads: { path: string; range: ByteRange | undefined }[] = [];
  /** Handed out in bodies. */
  bytes = 0;
  body: Body = inPieces();

  put(path: string, version: number, size: Bytes): FileMetadata {
    this.files.set(path, { version, bytes: bytesOf(path, version, size) });
    return metadataOf(path, version, size);
  }

  open = (path: string, { range, ifMatch, signal }: OpenOptions = {}): Promise<OpenedFile | null> => {
    const file = this.files.get(path);
    if (!file) return Promise.resolve(null);
    const metadata = metadataOf(path, file.version, file.bytes.length);
    if (ifMatch !== undefined && ifMatch !== metadata.etag) return Promise.reject(new FileChangedError());
    this.reads.push({ path, range });
    const bytes = file.bytes.subarray(range?.start ?? 0, (range?.end ?? file.bytes.length - 1) + 1);
    const body = this.body(bytes);
    const push = body.push.bind(body);
    body.push = (chunk: Buffer | null, ...rest) => {
      this.bytes += chunk?.length ?? 0;
      return push(chunk, ...rest);
    };
    signal?.addEventListener('abort', () => body.destroy(new Error('aborted')), { once: true });
    return Promise.resolve({ metadata, body });
  };
}

export function metadataOf(path: string, version: number, size: Bytes): FileMetadata {
  return { path, size, etag: `"${version}"`, contentType: 'model/stl', lastModified: 0 };
}

/** Counts what happens. */
export class Counts implements FileMetrics {
  readonly bytes = { memory: 0, disk: 0, origin: 0 };
  onDisk = 0;
  evictions = 0;
  corrupt = 0;
  errors = 0;
  readonly log: string[] = [];

  served = (tier: 'memory' | 'disk' | 'origin', bytes: Bytes): void => void (this.bytes[tier] += bytes);
  originRead = (): void => undefined;
  originBytes = (): void => undefined;
  diskBytes = (bytes: Bytes): void => void (this.onDisk = bytes);
  evicted = (): void => void (this.evictions += 1);
  corruptSlice = (): void => void (this.corrupt += 1);
  diskError = (): void => void (this.errors += 1);
}

export function openTier(
  folder: string,
  origin: Pick<Origin, 'open'>,
  counts = new Counts(),
  options: Partial<DiskTierOptions> = {},
): DiskTier {
  const log = { warn: (_fields: object, line: string) => counts.log.push(line), info: (line: string) => counts.log.push(line) };
  return new DiskTier({
    folder,
    max: 256 * MIB,
    fileMax: 128 * MIB,
    source: origin,
    time: systemTime,
    log,
    metrics: counts,
    ...options,
  });
}

export interface Download {
  outcome: string;
  length: Bytes;
  hash: string;
}

export function hashOf(bytes: Buffer): string {
  return createHash('sha1').update(bytes).digest('hex');
}

/** @throws what broke the stream */
export async function download(tier: DiskTier, file: FileMetadata, range?: ByteRange): Promise<Download> {
  const { outcome, body } = await tier.open(file, range && { range });
  const chunks: Buffer[] = [];
  for await (const chunk of body as AsyncIterable<Buffer>) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  return { outcome, length: bytes.length, hash: hashOf(bytes) };
}

/** All files of the tier, by path. */
export async function filesIn(folder: string): Promise<string[]> {
  const entries = await fs.readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => `${entry.parentPath}/${entry.name}`);
}

export async function blocksIn(folder: string): Promise<Bytes> {
  const stats = await Promise.all((await filesIn(folder)).map((file) => fs.stat(file).catch(() => undefined)));
  return stats.reduce((sum, each) => sum + (each?.blocks ?? 0) * 512, 0);
}
