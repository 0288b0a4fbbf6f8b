import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** The answers of a connection that are not over. */
const pending = new WeakMap<object, Set<ServerResponse>>();

/**
 * Whether an answer on this connection has begun, or is waited for by a request that has arrived whole: nothing else may be
 * written in its place.
 */
export function isAnswerDue(socket: object): boolean {
  const answers = [...(pending.get(socket) ?? [])];
  return answers.some(({ req, headersSent, writableFinished }) => (req.complete || headersSent) && !writableFinished);
}

/**
 * Closes answers that wait behind others of their connection when that ends: Node emits `close` only for the one that is
 * being sent, so whoever waits for the end of another one would wait for ever.
 */
export function closePipelined(server: Server): void {
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
