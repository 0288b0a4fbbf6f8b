import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { GatewayError } from '../errors.js';
import type { Time } from '../time.js';
import { SECOND, type Bytes, type Milliseconds } from '../units.js';

/** The client sent nothing of its upload for too long. */
export class UploadStalledError extends Error {
  override readonly name = 'UploadStalledError';
}

/** The body of an upload, of which the beginning can be looked at before anybody takes it. */
export interface UploadBody {
  /** The first `length` bytes, all of a shorter body. */
  head(length: Bytes): Promise<Buffer>;
  /** All of it, the head included, as fast as it is taken. To destroy it leaves the connection alone, for the answer. */
  stream(): Readable;
  /** Leaves what is not read yet to others. */
  release(): void;
}

/**
 * @param patience how long the client may send nothing while bytes of it are waited for; slowness of whoever takes them does not
 * count
 * @throws (by both that read) UploadStalledError; GatewayError BAD_USER_INPUT if the client breaks off
 */
export function uploadBodyOf(request: IncomingMessage, patience: Milliseconds, time: Time): UploadBody {
  const chunks: AsyncIterator<Buffer> = request.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer>;
  const seen: Buffer[] = [];
  const next = async (): Promise<Buffer | undefined> => {
    const result = await inTime(chunks.next(), patience, time);
    return result.done ? undefined : result.value;
  };
  return {
    async head(length) {
      while (sizeOf(seen) < length) {
        const chunk = await next();
        if (!chunk) break;
        seen.push(chunk);
      }
      return Buffer.concat(seen).subarray(0, length);
    },
    stream: () =>
      Readable.from(
        (async function* () {
          yield* seen;
          for (let chunk = await next(); chunk; chunk = await next()) yield chunk;
        })(),
        { objectMode: false },
      ),
    release: () => void chunks.return?.(),
  };
}

async function inTime<T>(chunk: Promise<T>, patience: Milliseconds, time: Time): Promise<T> {
  let cancel: () => void = () => undefined;
  const stalled = new Promise<never>((_, reject) => {
    cancel = time.after(patience, () => reject(new UploadStalledError(`nothing arrived for ${patience / SECOND} s`)));
  });
  const arrived = chunk.catch((error: unknown) => {
    throw new GatewayError('BAD_USER_INPUT', 'The upload was broken off.', { cause: error });
  });
  return Promise.race([arrived, stalled]).finally(() => cancel());
}

function sizeOf(chunks: readonly Buffer[]): Bytes {
  return chunks.reduce((size, chunk) => size + chunk.length, 0);
}
