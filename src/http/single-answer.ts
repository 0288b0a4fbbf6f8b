import type { ExecutionResult } from 'graphql';
import { DONE } from './silent-iterator.js';

export type SingleAnswer = AsyncIterableIterator<ExecutionResult, undefined>;

/**
 * Yields one answer: the form in which the protocol tells that a client waits for it no more. It ends at once then.
 * @param leave is called then
 */
export function singleAnswer(answer: Promise<ExecutionResult>, leave: () => void): SingleAnswer {
  let end: (done: typeof DONE) => void = () => undefined;
  const left = new Promise<typeof DONE>((resolve) => (end = resolve));
  const yielded = answer.then((value) => ({ done: false as const, value }));
  // Nobody waits for it once the client has left.
  yielded.catch(() => undefined);
  let isTaken = false;
  const iterator: SingleAnswer = {
    next: () => {
      if (isTaken) return Promise.resolve(DONE);
      isTaken = true;
      return Promise.race([left, yielded]);
    },
    return: () => {
      end(DONE);
      leave();
      return Promise.resolve(DONE);
    },
    [Symbol.asyncIterator]: () => iterator,
  };
  return iterator;
}
