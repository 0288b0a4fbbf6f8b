import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { ExecutionArgs, FormattedExecutionResult, GraphQLSchema } from 'graphql';
import { handleProtocols, makeServer, type Server as Protocol } from 'graphql-ws';
import { WebSocketServer, type WebSocket } from 'ws';
import { GatewayError } from '../errors.js';
import type { Time } from '../time.js';
import type { Bytes } from '../units.js';
import { addressGroup, clientAddress, type Trusts } from './client-address.js';
import { refusalText } from './client-errors.js';
import { baseOfUpgrade, forwardedProblem, hostProblem } from './host.js';
import { describeError, MethodError } from './http-error.js';
import { cutLater, type LiveDeps } from './live.js';
import { originProblem } from './origin.js';
import { ignoreUpgrade } from './plain-upgrade.js';
import { isAnswerDue } from './pipelining.js';
import { ConnectionRates } from './rate-connection.js';
import { newRateNotes } from './rate-limits.js';
import { CLOSE, WebSocketConnection, type Running } from './websocket-connection.js';

export interface WebSocketDeps extends LiveDeps {
  readonly schema: GraphQLSchema;
  readonly maxMessage: Bytes;
  readonly trusts: Trusts;
  readonly loopbackOnly: boolean;
  readonly corsOrigins: readonly string[];
  readonly publicUrl?: string | undefined;
}

/** GraphQL by WebSocket at `/graphql`, with the protocol graphql-transport-ws. */
export function acceptWebSockets(server: Server, deps: WebSocketDeps): void {
  const sockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: deps.maxMessage,
    // Without one of ours, a socket is opened all the same, so that a browser can be told why it is closed.
    handleProtocols: (offered) => handleProtocols(offered),
  });
  sockets.on('wsClientError', ({ message }, socket) => {
    refuse(socket, new GatewayError('BAD_USER_INPUT', `The upgrade is refused: ${message}.`), deps.time);
  });
  const protocol = protocolOf(deps);
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    // Whatever is written now would stand in an answer before it.
    if (isAnswerDue(socket)) return void socket.destroy();
    if (request.headers.upgrade?.toLowerCase() !== 'websocket') return ignoreUpgrade(server, request, socket, head);
    const problem = problemOf(request, deps);
    if (problem) return refuse(socket, problem, deps.time);
    sockets.handleUpgrade(request, socket, head, (opened) => attend(opened, request, protocol, deps));
  });
}

function problemOf(request: IncomingMessage, deps: WebSocketDeps): GatewayError | undefined {
  const bases = [baseOfUpgrade(request, deps.trusts), ...(deps.publicUrl ? [deps.publicUrl] : [])];
  return (
    hostProblem(request, deps.loopbackOnly) ??
    pathProblem(request) ??
    methodProblem(request) ??
    forwardedProblem(request, deps.trusts) ??
    originProblem(request.headers.origin, bases, deps.corsOrigins) ??
    deps.connections.refusal() ??
    rateProblem(request, deps)
  );
}

function rateProblem(request: IncomingMessage, { rates, trusts }: WebSocketDeps): GatewayError | undefined {
  try {
    rates.arrive(addressGroup(clientAddress(request, trusts)), request.headers.authorization, newRateNotes());
    return undefined;
  } catch (error) {
    if (error instanceof GatewayError) return error;
    throw error;
  }
}

function pathProblem({ url = '' }: IncomingMessage): GatewayError | undefined {
  return url.split('?', 1)[0] === '/graphql'
    ? undefined
    : new GatewayError('NOT_FOUND', 'There is no WebSocket here; try /graphql.');
}

function methodProblem({ method = '' }: IncomingMessage): GatewayError | undefined {
  return method === 'GET' ? undefined : new MethodError(`The method of an upgrade must be GET, but is: ${method}.`, 'GET');
}

/** Answers the request in place of upgrading it, and closes also on a client that does not close its side. */
function refuse(socket: Duplex, problem: GatewayError, time: Time): void {
  const refusal = describeError(problem);
  const others = {
    // RFC 6455 §4.4: also a client that spoke another version learns it.
    ...(refusal.status === 400 && { 'sec-websocket-version': '13' }),
    ...(problem instanceof MethodError && { allow: problem.allow }),
  };
  // Whoever does not wait for the answer breaks the connection, which must not end the process.
  socket.on('error', () => undefined);
  cutLater(socket, time, () => socket.destroy());
  // Unread data would make the end a reset, which can take the answer away from the client.
  socket.resume();
  socket.end(refusalText(refusal, others), () => socket.destroy());
}

function protocolOf(deps: WebSocketDeps): Protocol<WebSocketConnection> {
  const running = ({ contextValue }: ExecutionArgs) => contextValue as Running;
  return makeServer<Record<string, unknown>, WebSocketConnection>({
    onConnect: ({ extra, connectionParams }) => extra.authenticate(connectionParams),
    onSubscribe: ({ extra }, id, payload) => {
      const prepared = extra.prepare(id, payload);
      if (Array.isArray(prepared)) return prepared;
      const { document, running: contextValue } = prepared;
      return {
        schema: deps.schema,
        document,
        contextValue,
        ...(payload.operationName && { operationName: payload.operationName }),
      };
    },
    subscribe: async (args) => {
      const operation = running(args);
      if (operation.type !== 'subscription') throw new Error('must be a subscription');
      return operation.begun;
    },
    execute: (args) => {
      const operation = running(args);
      if (operation.type !== 'operation') throw new Error('must be a query or a mutation');
      return operation.answer();
    },
    // Answers come formatted.
    onNext: (_context, _id, _payload, _args, result) => result as FormattedExecutionResult,
    onError: ({ extra }, _id, _payload, errors) => extra.describe(errors),
  });
}

/** Serves one opened socket to its end. */
function attend(socket: WebSocket, request: IncomingMessage, protocol: Protocol<WebSocketConnection>, deps: WebSocketDeps): void {
  const rates = new ConnectionRates(addressGroup(clientAddress(request, deps.trusts)), deps);
  const connection = new WebSocketConnection(socket, request, { base: baseOfUpgrade(request, deps.trusts), rates }, deps);
  const forget = deps.connections.add(connection);
  const closed = protocol.opened(
    {
      protocol: socket.protocol,
      send: (text) => connection.send(text),
      close: (code = CLOSE.internal, reason = '') => connection.end(code, reason),
      onMessage: (handle) => {
        socket.on('message', (data: Buffer) => {
          // What comes after the goodbye is neither counted nor carried out.
          if (socket.readyState !== socket.OPEN) return;
          const problem = rates.hear(data.length);
          if (problem !== undefined) return connection.end(CLOSE.tryAgain, problem);
          handle(data.toString()).catch((error: unknown) => fail(connection, error, deps));
        });
      },
    },
    connection,
  );
  // Of what a peer does against RFC 6455 the socket is closed by itself.
  socket.on('error', (error) => deps.log.debug({ err: error }, 'websocket'));
  socket.once('close', (code, reason) => {
    forget();
    deps.log.info({ transport: 'websocket', code, reason: reason.toString(), ...connection.notes }, 'live connection closed');
    closed(code, reason.toString()).catch((error: unknown) => deps.log.error({ err: error }, 'closing a websocket failed'));
  });
}

/** The protocol rejects a message that only a server may send. */
function fail(connection: WebSocketConnection, error: unknown, { log }: WebSocketDeps): void {
  if (error instanceof Error && error.message.startsWith('Unexpected message')) {
    return connection.end(CLOSE.badMessage, 'Invalid message received');
  }
  log.error({ err: error }, 'websocket failed');
  connection.end(CLOSE.internal, 'Internal server error');
}
