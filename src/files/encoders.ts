import type { Transform } from 'node:stream';
import * as zlib from 'node:zlib';
import { KIB } from '../units.js';

/** A content coding (RFC 9110 §8.4.1) that files are encoded with. */
export type Coding = 'gzip' | 'zstd';

/** A stream that encodes; `bytesWritten`: of what went in, how many bytes it has worked on. */
export type Encoder = Transform & { readonly bytesWritten: number };

/** Levels where more time buys little more: `npm run bench:compress`, docs/performance.md#compression. */
const GZIP_LEVEL = 4;
const ZSTD_LEVEL = 1;
/** `ZSTD_c_compressionLevel` of zstd's API. */
const ZSTD_PARAM_LEVEL = 100;
const CHUNK = 64 * KIB;

/** Node has it from 22.15 and 23.8 on. */
const { createZstdCompress } = zlib as typeof zlib & {
  readonly createZstdCompress?: (options: { chunkSize: number; params: Record<number, number> }) => Encoder;
};

/**
 * What this process can encode with, the better ones first. Not Brotli: as fast as gzip it saves as much as gzip, and what
 * zstd saves takes it ten times as long.
 */
export const ENCODERS: ReadonlyMap<Coding, () => Encoder> = new Map<Coding, () => Encoder>([
  ...(createZstdCompress
    ? [['zstd', () => createZstdCompress({ chunkSize: CHUNK, params: { [ZSTD_PARAM_LEVEL]: ZSTD_LEVEL } })] as const]
    : []),
  ['gzip', () => zlib.createGzip({ chunkSize: CHUNK, level: GZIP_LEVEL })],
]);
