import { Readable } from 'node:stream';
import { KIB, type Bytes } from '../../units.js';
import type { RangeReader } from './range-reader.js';

/** A reader that does not take its bytes has one piece waiting. */
const HIGH_WATER_MARK: Bytes = 64 * KIB;

/** What `reader` gives, as a stream. `onEnd`: nobody reads from it any more, whether it came to its end or not. */
export function rangeBody(reader: Pick<RangeReader, 'next'>, signal: AbortSignal | undefined, onEnd: () => void): Readable {
  const body: Readable = new Readable({
    highWaterMark: HIGH_WATER_MARK,
    ...(signal && { signal }),
    read() {
      reader.next().then(
        (bytes) => body.push(bytes),
        (error: Error) => body.destroy(error),
      );
    },
    destroy(error, done) {
      onEnd();
      done(error);
    },
  });
  return body;
}
