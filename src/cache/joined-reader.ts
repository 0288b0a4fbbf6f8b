import type { Store, StoredValue, Unavailable } from './store.js';

/** The answer to one read of the store that may have served many readers. */
export type JoinedRead =
  { readonly kind: 'read'; readonly epoch: string; readonly get: (key: string) => StoredValue | undefined } | Unavailable;

interface Batch {
  readonly keys: Set<string>;
  readonly answer: Promise<JoinedRead>;
  readonly resolve: (answer: JoinedRead) => void;
}

/**
 * Joins concurrent reads of the store into one at a time.
 *
 * Invariant: the answer to `read(keys)` comes from a request that was sent after `read` was called. A reader that arrives
 * while a request is under way waits for the next one, which asks for all keys that were wanted meanwhile. So a value that
 * was read here was current at some moment after the reader arrived.
 */
export class JoinedReader {
  private waiting: Batch | undefined;
  private reading = false;

  constructor(private readonly store: Pick<Store, 'getMany'>) {}

  read(keys: Iterable<string>): Promise<JoinedRead> {
    const batch = (this.waiting ??= newBatch());
    for (const key of keys) batch.keys.add(key);
    if (!this.reading) {
      this.reading = true;
      // Reads of the same tick, such as those of several loaders of one operation, share the request.
      queueMicrotask(() => void this.drain());
    }
    return batch.answer;
  }

  private async drain(): Promise<void> {
    for (let batch = this.take(); batch; batch = this.take()) batch.resolve(await this.request([...batch.keys]));
    this.reading = false;
  }

  private take(): Batch | undefined {
    const batch = this.waiting;
    this.waiting = undefined;
    return batch;
  }

  private async request(keys: readonly string[]): Promise<JoinedRead> {
    const answer = await this.store.getMany(keys);
    if (answer.kind === 'unavailable') return answer;
    const values = new Map(keys.map((key, index) => [key, answer.values[index]]));
    return { kind: 'read', epoch: answer.epoch, get: (key) => values.get(key) };
  }
}

function newBatch(): Batch {
  let resolve: Batch['resolve'] = () => undefined;
  const answer = new Promise<JoinedRead>((settle) => {
    resolve = settle;
  });
  return { keys: new Set(), answer, resolve };
}
