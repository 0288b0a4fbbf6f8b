import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Metrics } from '../telemetry/metrics.js';
import { addressGroup, type Trusts } from './client-address.js';
import { refuseSocket } from './client-errors.js';

export interface ConnectionCaps {
  readonly connectionsMax: number;
  /** Absent: no cap. Does not count for trusted proxies, which connect for many. */
  readonly connectionsPerAddressMax?: number | undefined;
}

/** Refuses connections beyond the caps with 429 and ends them, before anything of them is read. To be called before the server listens. */
export function capConnections(
  server: Server,
  { connectionsMax, connectionsPerAddressMax = Infinity }: ConnectionCaps,
  trusts: Trusts,
  metrics: Pick<Metrics, 'connectionRefused'>,
): void {
  const open = new Map<string, number>();
  const sockets = new WeakSet<Socket>();
  let total = 0;
  server.prependListener('connection', (socket: Socket) => {
    // A request that was put back in front of its connection announces it once more.
    if (sockets.has(socket)) return;
    sockets.add(socket);
    const address = addressGroup(socket.remoteAddress ?? '');
    const ofAddress = (open.get(address) ?? 0) + 1;
    total += 1;
    open.set(address, ofAddress);
    socket.once('close', () => {
      total -= 1;
      const left = (open.get(address) ?? 1) - 1;
      if (left > 0) open.set(address, left);
      else open.delete(address);
    });
    if (total > connectionsMax) refuse(socket, 'all', metrics);
    else if (ofAddress > connectionsPerAddressMax && !trusts(socket.remoteAddress)) refuse(socket, 'address', metrics);
  });
}

const WHY = {
  all: 'This gateway has as many connections as it takes; try again shortly.',
  address: 'This address has as many connections as it may; use them, or close some.',
};

function refuse(socket: Socket, cap: keyof typeof WHY, metrics: Pick<Metrics, 'connectionRefused'>): void {
  metrics.connectionRefused(cap);
  refuseSocket(socket, { status: 429, code: 'RATE_LIMITED', message: WHY[cap] });
}
