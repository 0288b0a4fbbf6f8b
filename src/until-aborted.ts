/**
 * Resolves or rejects as `work` does, or with the reason of `signal` if that is first.
 * @param onLeft is called in the second case
 */
export function untilAborted<T>(work: Promise<T>, signal: AbortSignal | undefined, onLeft?: () => void): Promise<T> {
  if (!signal) return work;
  let leave = (): void => undefined;
  const left = new Promise<never>((_resolve, reject) => {
    leave = () => {
      reject(signal.reason as Error);
      onLeft?.();
    };
  });
  if (signal.aborted) leave();
  else signal.addEventListener('abort', leave, { once: true });
  // In the tick in which the work ends: whoever is answered does not leave any more.
  return Promise.race([work.finally(() => signal.removeEventListener('abort', leave)), left]);
}
