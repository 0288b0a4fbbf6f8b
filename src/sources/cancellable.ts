import type { Socket } from 'node:net';
import type { Knex } from 'knex';
import pg, { type Client } from 'pg';
import { SECOND, type Milliseconds } from '../units.js';

/** How long the server has to take a request to cancel. */
const PATIENCE: Milliseconds = 5 * SECOND;

/** What pg has and its types lack: what the server identifies a session by. */
type Session = Client & {
  readonly processID: number;
  readonly secretKey: unknown;
  readonly host: string;
  readonly port: number;
};

/** A connection of pg before its client has said anything; its types lack it. */
interface Channel {
  readonly stream: Socket;
  on(event: 'connect' | 'error', listener: () => void): void;
  connect(...to: [port: number, host: string] | [path: string]): void;
  cancel(processID: number, secretKey: unknown): void;
}

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

function cancel({ host, port, processID, secretKey }: Session): void {
  const channel = new pg.Client({ host, port }).connection as unknown as Channel;
  const { stream } = channel;
  // What does not get there is ended by the server's own limit of time for statements.
  channel.on('error', () => stream.destroy());
  channel.on('connect', () => channel.cancel(processID, secretKey));
  stream.setTimeout(PATIENCE, () => stream.destroy());
  if (host.startsWith('/')) channel.connect(`${host}/.s.PGSQL.${port}`);
  else channel.connect(port, host);
}
