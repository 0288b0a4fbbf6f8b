import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** The answers of a connection that are not over. */
const pending = new WeakMap<object, Set<ServerResponse>>();

/** Whether a request that has arrived whole on this connection waits for its answer: nothing else may be written in its place. */
export function isAnswerDue(socket: object): boolean {
  return [...(pending.get(socket) ?? [])].some(({ req, writableFinished }) => req.complete && !writableFinished);
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
