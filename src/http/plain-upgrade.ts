import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';

const DROPPED = new Set(['upgrade', 'http2-settings', 'connection']);

/**
 * Answers a request that offers another protocol than WebSocket (Java's and curl's clients offer h2c) as if it had not:
 * RFC 9110 §7.8 lets a server ignore the offer. Node takes every such request out of HTTP as soon as anybody listens for
 * upgrades, so it is put back in front of its connection, without the offer.
 */
export function ignoreUpgrade(server: Server, request: IncomingMessage, socket: Duplex, head: Buffer): void {
  const { method = 'GET', url = '/', httpVersion, rawHeaders } = request;
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const [name = '', value = ''] = rawHeaders.slice(index, index + 2);
    if (!DROPPED.has(name.toLowerCase())) lines.push(`${name}: ${value}`);
  }
  socket.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]));
  server.emit('connection', socket);
}
