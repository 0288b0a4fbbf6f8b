import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Closes answers that wait behind others of their connection when that ends: Node emits `close` only for the one that is
 * being sent, so whoever waits for the end of another one would wait for ever.
 */
export function closePipelined(server: Server): void {
  const pending = new WeakMap<Socket, Set<ServerResponse>>();
  server.prependListener('request', ({ socket }, response) => {
    const answers = pending.get(socket) ?? follow(socket);
    pending.set(socket, answers.add(response));
    response.once('close', () => answers.delete(response));
  });
}

function follow(connection: Socket): Set<ServerResponse> {
  const answers = new Set<ServerResponse>();
  connection.once('close', () => {
    for (const answer of answers) {
      if (answer.socket !== null || answer.writableFinished) continue;
      answer.destroy();
      answer.emit('close');
    }
  });
  return answers;
}
