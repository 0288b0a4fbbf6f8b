import { Transform, type TransformCallback } from 'node:stream';
import { sourceUnavailable } from '../errors.js';
import type { Bytes } from '../units.js';

/**
 * Passes exactly `length` bytes, or fails. The newest chunk is held back until the next one or the end arrives, so a
 * source that is too long or that fails at its very end never looks whole to the reader.
 *
 * `beforeLast` is waited for when everything has come, before the last chunk is passed; what it rejects with is the stream's error.
 * The stream's error is what `wrong` makes of it, by default a GatewayError SOURCE_UNAVAILABLE.
 */
export function exactLength(
  length: Bytes,
  wrong: (expected: Bytes, received: string) => Error = wrongLength,
  beforeLast?: () => Promise<void>,
): Transform {
  let received: Bytes = 0;
  let held: Buffer | undefined;
  return new Transform({
    transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback) {
      received += chunk.length;
      if (received > length) return done(wrong(length, 'more'));
      const ready = held;
      held = chunk;
      done(null, ready);
    },
    flush(done: TransformCallback) {
      if (received !== length) return done(wrong(length, String(received)));
      if (!beforeLast) return done(null, held);
      beforeLast().then(() => done(null, held), done);
    },
  });
}

function wrongLength(expected: Bytes, received: string): Error {
  return sourceUnavailable('file store', new Error(`expected ${expected} bytes, but ${received} arrived`));
}
