import type { Server, ServerResponse } from 'node:http';
import { Server as NetServer, type Socket } from 'node:net';
import { SECOND, type Milliseconds } from '../units.js';

/** How long a client may be silent after it was told that its connection ends. */
const LINGER: Milliseconds = SECOND;

/** The orderly end of a server. */
export interface Drain {
  /** Starts it; resolves when no request is under way, or all were cut. Then ends what is left: connections that ask nothing. */
  finish(): Promise<void>;
  /** Ends every connection at once, also those that were upgraded, which the server's own `closeAllConnections` leaves open. */
  cut(): void;
}

/**
 * Prepares the end of `server`. To be called before it listens.
 *
 * Node's own `close` cuts the connection of an answer that was handed over but not yet read by a slow client, and waits
 * for connections that fall idle only later, and for those that a browser or a load balancer has opened ahead and not used.
 * So the drain comes first: nothing new is accepted, each connection ends with its answer, and when all answers have been
 * sent or given up by their clients, the connections that are left are ended.
 */
export function createDrain(server: Server): Drain {
  const underWay = new Set<ServerResponse>();
  const sockets = new Set<Socket>();
  let draining = false;
  let finished = (): void => undefined;
  server.prependListener('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.prependListener('request', (_request, response) => {
    underWay.add(response);
    if (draining) response.setHeader('connection', 'close');
    response.once('close', () => {
      underWay.delete(response);
      if (underWay.size === 0) finished();
    });
  });
  return {
    finish: () =>
      new Promise<void>((resolve) => {
        draining = true;
        finished = resolve;
        // Stops listening, as the HTTP server's own `close` does, but touches no connection.
        NetServer.prototype.close.call(server);
        for (const response of underWay) if (!response.headersSent) response.setHeader('connection', 'close');
        if (underWay.size === 0) resolve();
      }).then(() => {
        // Not destroyed at once: that would take back the answer of a client that still sends.
        for (const socket of sockets) socket.end().setTimeout(LINGER, () => socket.destroy());
      }),
    cut: () => {
      for (const socket of sockets) socket.destroy();
      // A response may have lost its connection without being told.
      finished();
    },
  };
}
