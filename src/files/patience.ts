import { GatewayError, sourceUnavailable } from '../errors.js';
import type { Time } from '../time.js';
import type { EpochMilliseconds, Milliseconds } from '../units.js';
import { pauseAfter, wait } from './backoff.js';
import { FileStoreRefusedError, PutUnconfirmedError } from './file.js';

/** Something went wrong that is tried again. */
export interface Retry {
  readonly path: string;
  /** How many attempts have failed since the last progress. */
  readonly failures: number;
  readonly cause: unknown;
}

export interface Patience {
  readonly time: Time;
  /** 0 ≤ random() < 1, for the jitter of pauses. */
  readonly random: () => number;
  /** How long a reader waits without progress: for an answer, or for the next byte. */
  readonly deadline: Milliseconds;
  /** How long one answer may send no byte, while one is waited for. */
  readonly stall: Milliseconds;
  /** So many attempts in a row may fail without progress. */
  readonly attempts: number;
  readonly onRetry: (retry: Retry) => void;
}

/** One time without progress: how many attempts have failed in it, and how long it may last. */
export class Ordeal {
  readonly end: EpochMilliseconds;
  private failures = 0;

  constructor(
    private readonly path: string,
    private readonly patience: Patience,
  ) {
    this.end = patience.time.now() + patience.deadline;
  }

  /** The rest of the deadline. */
  get left(): Milliseconds {
    return Math.max(0, this.end - this.patience.time.now());
  }

  /** Waits until the next attempt may be made. @throws `cause` if there shall be none; the reason of `signal` */
  async pause(cause: Error, signal: AbortSignal): Promise<void> {
    const { attempts, random, time, onRetry } = this.patience;
    this.failures += 1;
    const pause = pauseAfter(this.failures, random);
    if (this.failures >= attempts || pause >= this.left) throw cause;
    onRetry({ path: this.path, failures: this.failures, cause });
    await wait(pause, time, signal);
  }
}

/**
 * What `ask` gives, which is asked again for a while if the store is in trouble.
 *
 * @param ask is to give up by its signal, and to let go of what it gets later; it says when `signal` does, and when the
 *   deadline has passed
 * @throws the last trouble; at once what is none, or does not pass by waiting
 */
export async function persist<T>(
  ask: (signal: AbortSignal) => Promise<T>,
  ordeal: Ordeal,
  time: Time,
  signal: AbortSignal,
): Promise<T> {
  for (;;) {
    try {
      return await withDeadline(ask, ordeal.left, time, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (!mayPass(error)) throw error;
      await ordeal.pause(error, signal);
    }
  }
}

function mayPass(error: unknown): error is GatewayError {
  if (!(error instanceof GatewayError) || error.code !== 'SOURCE_UNAVAILABLE') return false;
  return !(error instanceof FileStoreRefusedError || error instanceof PutUnconfirmedError);
}

/** Ends when `left` has passed or `signal` says so, and tells `ask`, which may be late to notice. */
async function withDeadline<T>(
  ask: (signal: AbortSignal) => Promise<T>,
  left: Milliseconds,
  time: Time,
  signal: AbortSignal,
): Promise<T> {
  const attempt = new AbortController();
  const late = sourceUnavailable('file store', new Error('it did not answer within the deadline'));
  const cancel = time.after(left, () => attempt.abort(late));
  const abort = (): void => attempt.abort(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    signal.throwIfAborted();
    return await Promise.race([ask(attempt.signal), rejectionBy(attempt.signal)]);
  } finally {
    cancel();
    signal.removeEventListener('abort', abort);
  }
}

function rejectionBy(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}
