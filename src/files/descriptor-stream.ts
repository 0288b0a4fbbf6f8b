import type { FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { KIB, type Bytes } from '../units.js';
import type { ByteRange } from './file.js';

const CHUNK: Bytes = 256 * KIB;

export interface DescriptorStreamOptions {
  /** What to read; `null` of an empty file. */
  readonly range: ByteRange | null;
  /** Runs after each read, before its bytes are handed on; its error fails the stream. */
  readonly verify: () => Promise<void>;
}

/**
 * The bytes of one open descriptor. The stream owns the handle from now on and closes it, also when it is destroyed
 * before anyone read from it. It fails if the file ends before the range does.
 */
export function descriptorStream(handle: FileHandle, { range, verify }: DescriptorStreamOptions): Readable {
  let position = range?.start ?? 0;
  const end = range ? range.end + 1 : 0;

  const next = async (stream: Readable): Promise<void> => {
    const chunk = await readChunk(handle, position, end);
    position += chunk.length;
    await verify();
    if (chunk.length > 0) stream.push(chunk);
    if (position >= end) stream.push(null);
  };

  return new Readable({
    highWaterMark: CHUNK,
    read() {
      next(this).catch((error: unknown) => this.destroy(error instanceof Error ? error : new Error(String(error))));
    },
    destroy(error, done) {
      handle.close().then(
        () => done(error),
        (closing: Error) => done(error ?? closing),
      );
    },
  });
}

async function readChunk(handle: FileHandle, position: Bytes, end: Bytes): Promise<Buffer> {
  const wanted = Math.min(CHUNK, end - position);
  if (wanted <= 0) return Buffer.alloc(0);
  const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafeSlow(wanted), 0, wanted, position);
  if (bytesRead === 0) throw new Error(`the file ended at byte ${position}, before the expected ${end}`);
  return buffer.subarray(0, bytesRead);
}
