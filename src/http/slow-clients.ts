import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { SECOND, KIB, type Bytes, type Clock, type EpochMilliseconds, type Milliseconds } from '../units.js';
import { answerClientError } from './client-errors.js';

export interface SlowClientOptions {
  /** How long a request may take to arrive (an upload longer, see `UPLOAD_RATE`), and a client may take nothing of its answer. */
  readonly requestTimeout: Milliseconds;
  readonly clock: Clock;
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly began: EpochMilliseconds;
  /** What the connection had received when the request began. */
  readonly receivedBefore: Bytes;
}

const LOOK_EACH: Milliseconds = SECOND;
/** An upload (PUT) may take as long as it likes, but on average at least so much must arrive each second. */
const UPLOAD_RATE: Bytes = 8 * KIB;
/** A client that takes some of its answer again and again has so many times the timeout for all of it. */
const ANSWER_PATIENCE = 10;

/**
 * Cuts clients that hold what they ask for and do not go on: senders of slow bodies (slow loris; Apache's mod_reqtimeout is
 * the model of the rate) and those who never take their answer, which stays in memory meanwhile. Files are
 * streamed and hold no memory: their readers may be as slow as they like.
 * To be called before the server listens.
 */
export function cutSlowClients(server: Server, { requestTimeout, clock }: SlowClientOptions): void {
  const underWay = new Set<Exchange>();
  server.prependListener('request', (request, response) => {
    const exchange = { request, response, began: clock(), receivedBefore: request.socket.bytesRead };
    underWay.add(exchange);
    response.once('close', () => underWay.delete(exchange));
  });
  const look = (): void => {
    const now = clock();
    for (const exchange of underWay) {
      if (isSlowSender(exchange, now, requestTimeout)) cutSender(exchange);
      else if (exchange.response.writableEnded) watchReader(exchange, now, requestTimeout);
    }
  };
  const timer = setInterval(look, LOOK_EACH).unref();
  server.once('close', () => clearInterval(timer));
}

function isSlowSender({ request, began, receivedBefore }: Exchange, now: EpochMilliseconds, patience: Milliseconds): boolean {
  if (request.complete || now - began <= patience) return false;
  if (request.method !== 'PUT') return true;
  const received = request.socket.bytesRead - receivedBefore;
  return received < ((now - began) / SECOND) * UPLOAD_RATE;
}

function cutSender({ request }: Exchange): void {
  const timedOut = Object.assign(new Error('Request timeout'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' });
  answerClientError(timedOut, request.socket);
}

/** What has ended for the gateway lies in the connection. Its own timer knows whether any of it is taken meanwhile. */
function watchReader(
  { request: { url = '', socket }, response, began }: Exchange,
  now: EpochMilliseconds,
  timeout: Milliseconds,
): void {
  if (url.startsWith('/files/') || response.writableFinished) return;
  if (now - began > ANSWER_PATIENCE * timeout) socket.destroy();
  else if (socket.timeout !== timeout) socket.setTimeout(timeout);
}
