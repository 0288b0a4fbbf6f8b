import type { Server, ServerResponse } from 'node:http';
import { Server as NetServer } from 'node:net';

/**
 * Prepares the orderly end of `server`. To be called before it listens.
 *
 * Node's own `close` cuts the connection of an answer that was handed over but not yet read by a slow client, and waits
 * for connections that fall idle only later. So the drain comes first: nothing new is accepted, each connection ends with
 * its answer, and it is over when all answers have been sent or given up by their clients.
 *
 * @returns starts the drain, and resolves when no request is under way
 */
export function createDrain(server: Server): () => Promise<void> {
  const underWay = new Set<ServerResponse>();
  let draining = false;
  let finished = (): void => undefined;
  server.prependListener('request', (_request, response) => {
    underWay.add(response);
    if (draining) response.setHeader('connection', 'close');
    response.once('close', () => {
      underWay.delete(response);
      if (underWay.size === 0) finished();
    });
  });
  return () =>
    new Promise((resolve) => {
      draining = true;
      finished = resolve;
      // Stops listening, as the HTTP server's own `close` does, but touches no connection.
      NetServer.prototype.close.call(server);
      for (const response of underWay) if (!response.headersSent) response.setHeader('connection', 'close');
      if (underWay.size === 0) resolve();
    });
}
