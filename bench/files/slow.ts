import { setTimeout as sleep } from 'node:timers/promises';
import { MIB, SECOND, type Bytes, type Milliseconds } from '../../src/units.js';
import { deviation, median } from '../support/numbers.js';
import { startGateways } from './contestants.js';
import { Download } from './download.js';
import { putLargeFile } from './objects.js';
import { residentBytes } from './process-costs.js';
import type { World } from './world.js';

export const READERS = 100;
const RATE: Bytes = 2 * MIB;
const MEBIBYTES = 1024;
const PAUSE: Milliseconds = SECOND / 2;
/** What garbage that waits for its collection may make up at any moment. */
const GARBAGE: Bytes = 16 * MIB;

export interface SlowResult {
  readonly readers: number;
  readonly rate: Bytes;
  readonly fileBytes: Bytes;
  readonly seconds: number;
  /** Before the first reader. */
  readonly idle: Bytes;
  /** Every half second from the first reader on. */
  readonly resident: readonly Bytes[];
  readonly received: Bytes;
  readonly originBytes: Bytes;
  /** Readers whose connection ended before they wanted. */
  readonly broken: number;
}

/** `READERS` read one file of 1 GiB from its beginning, each at `RATE`, for a while, and then go away. */
export async function measureSlow(world: World, duration: Milliseconds, say: (line: string) => void): Promise<SlowResult> {
  say('slow: putting 1 GiB into the store');
  const { path, size } = await putLargeFile(world.client, 'slow/large.stl', MEBIBYTES);
  const server = await startGateways(world);
  try {
    await world.origin.reads();
    const idle = residentBytes(server.pids());
    const readers = await Promise.all(Array.from({ length: READERS }, () => Download.open(server.at(path).port)));
    say(`slow: ${READERS} readers for ${duration / SECOND} s`);
    const began = performance.now();
    let [stopping, broken] = [false, 0];
    const ended = (): void => {
      if (!stopping) broken += 1;
    };
    const ends = readers.map((reader) => reader.get(server.at(path), { rate: RATE }).then(ended, ended));
    const resident: Bytes[] = [];
    while (performance.now() - began < duration) {
      await sleep(PAUSE);
      resident.push(residentBytes(server.pids()));
    }
    const seconds = (performance.now() - began) / SECOND;
    stopping = true;
    for (const reader of readers) reader.stop();
    await Promise.all(ends);
    const received = readers.reduce((sum, reader) => sum + reader.received, 0);
    const originBytes = (await world.origin.reads()).reduce((sum, { bytes }) => sum + bytes, 0);
    return { readers: READERS, rate: RATE, fileBytes: size, seconds, idle, resident, received, originBytes, broken };
  } finally {
    await server.stop();
  }
}

/**
 * Medians of the thirds, and whether memory stayed flat: the last may exceed the middle one by 5 %, by 3 median absolute
 * deviations of the middle third, or by `GARBAGE`, whichever is most.
 */
export function judgeFlat(resident: readonly Bytes[]): { thirds: readonly Bytes[]; flat: boolean } {
  const third = Math.floor(resident.length / 3);
  const parts = [0, 1, 2].map((part) => resident.slice(part * third, (part + 1) * third));
  const thirds = parts.map(median);
  const [, middle, last] = thirds as [Bytes, Bytes, Bytes];
  return { thirds, flat: last - middle <= Math.max(0.05 * middle, 3 * deviation(parts[1]!), GARBAGE) };
}
