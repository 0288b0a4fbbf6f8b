import type { Socket } from 'node:net';
import type { Knex } from 'knex';
import pg, { type Client } from 'pg';
import { SECOND, type Milliseconds } from '../units.js';

/** How long the server has to take a request to cancel. */
const PATIENCE: Milliseconds = 5 * SECOND;

/** What pg has and its types lack: what the server identifies a session by. */
type Session = Client & {
  readonly processID: number;
  readonly activeQuery: unknown;
  readonly host: string;
  readonly port: number;
};

/** What knex has and its types lack. */
interface Pool {
  acquireConnection(): Promise<Session>;
  releaseConnection(session: Session): Promise<void>;
}

/** A statement of knex that was not sent yet. */
interface Statement<T> {
  connection(session: Client): PromiseLike<T>;
}

/**
 * Runs a statement that only reads on a connection of its own from the pool, and cancels it at the server when `signal` is aborted.
 *
 * A request to cancel names a session and not a statement (https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-CANCELING-REQUESTS),
 * and the server may act on it late. So the connection of a statement that was cancelled is never used for another one.
 */
export async function cancellable<T>(database: Knex, statement: Statement<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const pool = database.client as Pool;
  const session = await pool.acquireConnection();
  const onAbort = (): void => cancel(session);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    signal.throwIfAborted();
    return await statement.connection(session);
  } finally {
    signal.removeEventListener('abort', onAbort);
    // The pool finds out by itself that it has lost one.
    if (signal.aborted) session.connection.stream.destroy();
    await pool.releaseConnection(session);
  }
}

function cancel(session: Session): void {
  const { host, port, activeQuery } = session;
  if (!activeQuery) return;
  const messenger = new pg.Client({ host, port }) as pg.Client & { cancel(session: Client, query: unknown): void };
  const { connection } = messenger;
  const { stream } = connection as unknown as { stream: Socket };
  // What does not get there is ended by the server's own limit of time for statements.
  connection.on('error', () => stream.destroy());
  stream.setTimeout(PATIENCE, () => stream.destroy());
  messenger.cancel(session, activeQuery);
}
