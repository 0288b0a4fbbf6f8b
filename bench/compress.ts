import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as zlib from 'node:zlib';
import { MIB } from '../src/units.js';
import { valuesOrExit } from '../test/support/command-line.js';
import { option } from '../test/support/command-options.js';
import { models } from './compress/models.js';
import { table } from './support/numbers.js';

/**
 * `npm run bench:compress [-- --scale 160]`: what each coding and level makes of models in each format, in CPU time of one
 * core. `--scale` is the number of points around a part; the size of a file grows with its square.
 */
const options = valuesOrExit({
  name: 'npm run bench:compress',
  does: 'Measures what each coding and level makes of models in each format.',
  options: {
    scale: option.whole({ unit: 'points', does: 'around a part; the size of a file grows with its square', default: 160 }),
  },
});

const { zstdCompressSync, zstdDecompressSync } = zlib as typeof zlib &
  Partial<Record<'zstdCompressSync' | 'zstdDecompressSync', ZstdSync>>;
type ZstdSync = (bytes: Buffer, options?: { params: Record<number, number> }) => Buffer;
const ZSTD_LEVEL = 100;

interface Contestant {
  readonly name: string;
  readonly encode: (bytes: Buffer) => Buffer;
  readonly decode: (bytes: Buffer) => Buffer;
}

const gzip = (level: number): Contestant => ({
  name: `gzip ${level}`,
  encode: (bytes) => zlib.gzipSync(bytes, { level }),
  decode: (bytes) => zlib.gunzipSync(bytes),
});
const brotli = (quality: number): Contestant => ({
  name: `br ${quality}`,
  encode: (bytes) => zlib.brotliCompressSync(bytes, { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: quality } }),
  decode: (bytes) => zlib.brotliDecompressSync(bytes),
});
const zstd = (level: number): Contestant => ({
  name: `zstd ${level}`,
  encode: (bytes) => zstdCompressSync!(bytes, { params: { [ZSTD_LEVEL]: level } }),
  decode: (bytes) => zstdDecompressSync!(bytes),
});
const contestants = [...[1, 4, 6, 9].map(gzip), ...[1, 4, 5].map(brotli), ...(zstdCompressSync ? [1, 3, 9].map(zstd) : [])];

const folder = await mkdtemp(path.join(tmpdir(), 'bench-compress-'));
try {
  const rows: string[][] = [];
  for (const { format, bytes } of await models(folder, options.scale)) {
    for (const { name, encode, decode } of contestants) {
      const [packed, seconds] = timed(() => encode(bytes));
      const [back, decodeSeconds] = timed(() => decode(packed));
      if (!back.equals(bytes)) throw new Error(`${name} gave other bytes back`);
      const size = bytes.length / MIB;
      const cells = [size, (100 * packed.length) / bytes.length, size / seconds, size / decodeSeconds];
      rows.push([format, name, ...cells.map((value) => value.toPrecision(3))]);
    }
  }
  console.log(`Node ${process.versions.node}, zlib ${process.versions.zlib}`);
  console.log(table(['format', 'coding', 'MiB', '% of its size', 'encoded MiB/s', 'decoded MiB/s'], rows));
} finally {
  await rm(folder, { recursive: true, force: true });
}

/** The CPU time of this process: it does not count what the machine does besides. */
function timed<T>(act: () => T): [T, number] {
  const before = process.cpuUsage();
  const result = act();
  const { user, system } = process.cpuUsage(before);
  return [result, Math.max(user + system, 1) / 1e6];
}
