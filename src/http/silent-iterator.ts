import type { ExecutionResult } from 'graphql';

export const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };

export type Silent = AsyncIterableIterator<ExecutionResult, undefined>;

/** Yields nothing until it ends. */
export function silent(over: Promise<typeof DONE>, leave = (): void => undefined): Silent {
  // Nobody waits for the end of one that the client has left.
  over.catch(() => undefined);
  const iterator: Silent = {
    next: () => over,
    return: () => {
      leave();
      return Promise.resolve(DONE);
    },
    [Symbol.asyncIterator]: () => iterator,
  };
  return iterator;
}
