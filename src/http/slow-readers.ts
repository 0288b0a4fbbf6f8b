import type { Server, ServerResponse } from 'node:http';
import { SECOND, type Clock, type EpochMilliseconds, type Milliseconds } from '../units.js';

export interface SlowReaderOptions {
  /** How long a client may take nothing of its answer. */
  readonly timeout: Milliseconds;
  readonly clock: Clock;
}

const LOOK_EACH: Milliseconds = SECOND;
/** A client that takes some of its answer again and again has so many times the timeout for all of it. */
const ANSWER_PATIENCE = 10;

/**
 * Cuts clients that never take their answer, which stays in memory meanwhile. Files are streamed and hold no memory: their
 * readers may be as slow as they like. To be called before the server listens.
 */
export function cutSlowReaders(server: Server, { timeout, clock }: SlowReaderOptions): void {
  const underWay = new Map<ServerResponse, EpochMilliseconds>();
  server.prependListener('request', (_request, response: ServerResponse) => {
    underWay.set(response, clock());
    response.once('close', () => underWay.delete(response));
  });
  const look = (): void => {
    for (const [response, began] of underWay) if (response.writableEnded) watch(response, clock() - began, timeout);
  };
  const timer = setInterval(look, LOOK_EACH).unref();
  server.once('close', () => clearInterval(timer));
}

/** What has ended for the gateway lies in the connection. Its own timer knows whether any of it is taken meanwhile. */
function watch(response: ServerResponse, age: Milliseconds, timeout: Milliseconds): void {
  const { url = '', socket } = response.req;
  if (url.startsWith('/files/') || response.writableFinished) return;
  if (age > ANSWER_PATIENCE * timeout) socket.destroy();
  else if (socket.timeout !== timeout) socket.setTimeout(timeout);
}
