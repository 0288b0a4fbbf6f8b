import { MIB, type Bytes } from '../../units.js';
import type { ByteRange } from '../file.js';
import { DiskTrouble } from './disk.js';
import type { Version } from './layout.js';
import type { ReaderParts } from './range-reader.js';

/** About what the buffers of a stream hold for a client that stopped reading. */
const AT_ONCE: Bytes = MIB;

/**
 * The bytes of a small range by one read, if all of them are here and right, verified as always; else `undefined`. What is not as
 * it should be is left as it is, for a `RangeReader` to find and to deal with.
 */
export async function readAtOnce(
  version: Version,
  range: ByteRange,
  { lease, metrics }: Pick<ReaderParts, 'lease' | 'metrics'>,
): Promise<Buffer | undefined> {
  if (range.end - range.start >= AT_ONCE) return undefined;
  try {
    const leased = await lease(version);
    // The lease keeps the file open: evicted meanwhile, its bytes are still those of the version.
    const bytes = await leased?.file.readRange(range).finally(leased.release);
    if (bytes) metrics.served('disk', bytes.length);
    return bytes;
  } catch (error) {
    if (error instanceof DiskTrouble) return undefined;
    throw error;
  }
}
