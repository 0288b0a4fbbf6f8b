import { randomUUID } from 'node:crypto';
import type { Server } from 'node:http';
import cors from '@fastify/cors';
import fastify, {
  LogController,
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify';
import type { OperationTrace } from '../cache/operation-trace.js';
import { GatewayError } from '../errors.js';
import type { Metrics } from '../telemetry/metrics.js';
import { systemTime } from '../time.js';
import { SECOND, type Bytes } from '../units.js';
import { eventsRoute, type EventsRouteDeps } from './events-route.js';
import { filesRoute, type FilesRouteDeps } from './files-route.js';
import { graphqlRoute, type GraphqlRouteDeps } from './graphql-route.js';
import { healthRoutes, type HealthDeps } from './health.js';
import { hostProblem } from './host.js';
import { sendError } from './http-error.js';
import type { LiveDeps } from './live.js';
import { closePipelined } from './pipelining.js';
import { BodyDeadlines } from './upload-deadline.js';
import { isExpectant, uploadRoute, type UploadRouteDeps } from './upload-route.js';
import { acceptWebSockets, type WebSocketDeps } from './websocket.js';

/** What a request adds to its line in the log. */
export interface RequestNotes {
  operation?: string;
  role?: string;
  cache?: OperationTrace;
  /** It stayed open for its events, so its duration is not how long an answer took. */
  isLive?: boolean;
}

declare module 'fastify' {
  interface FastifyRequest {
    notes: RequestNotes;
  }
}

export interface ServerOptions {
  readonly log: FastifyBaseLogger;
  readonly maxRequest: Bytes;
  readonly trustProxy: boolean;
  readonly corsOrigins: readonly string[];
  /** Answers only requests that name this machine as their host, so that no foreign page can reach a demo by DNS. */
  readonly loopbackOnly: boolean;
  readonly metrics: Metrics;
  readonly graphql: GraphqlRouteDeps;
  readonly live: LiveDeps & Pick<WebSocketDeps, 'schema' | 'publicUrl'>;
  readonly files: FilesRouteDeps;
  readonly uploads: UploadRouteDeps;
  readonly events: EventsRouteDeps;
  readonly readiness: HealthDeps['readiness'];
}

/** Slow senders are cut off; slow readers of files are not, nor are uploads that go on. */
const REQUEST_PATIENCE = 30 * SECOND;
const REQUEST_ID = /^[\w.:-]{1,64}$/;

/** The HTTP server with all its routes; not yet listening. */
export async function createServer(options: ServerOptions): Promise<FastifyInstance> {
  const app = fastify({
    loggerInstance: options.log,
    bodyLimit: options.maxRequest,
    trustProxy: options.trustProxy,
    logController: new LogController({ disableRequestLogging: true }),
    forceCloseConnections: 'idle',
    genReqId: ({ headers }) => requestId(headers['x-request-id']),
    frameworkErrors: sendError,
    // For the head; `BodyDeadlines` is for the rest.
    http: { headersTimeout: REQUEST_PATIENCE },
    requestTimeout: 0,
    routerOptions: { maxParamLength: 5_000 },
  });
  closePipelined(app.server);
  const deadlines = new BodyDeadlines(REQUEST_PATIENCE, systemTime);
  deadlines.watch(app.server);
  leaveExpectationsToUploads(app.server);
  app.setErrorHandler(sendError);
  app.setNotFoundHandler((request, reply) =>
    sendError(new GatewayError('NOT_FOUND', 'There is nothing here; try /graphql.'), request, reply),
  );
  addHooks(app, options);
  await app.register(cors, corsOptions(options.corsOrigins));
  await app.register(healthRoutes, { readiness: options.readiness, metrics: options.metrics });
  await app.register(filesRoute, options.files);
  await app.register(uploadRoute, { ...options.uploads, deadlines });
  await app.register(eventsRoute, options.events);
  await app.register(graphqlRoute, { ...options.graphql, live: options.live });
  const { maxRequest: maxMessage, trustProxy, loopbackOnly, corsOrigins } = options;
  acceptWebSockets(app.server, { ...options.live, maxMessage, trustProxy, loopbackOnly, corsOrigins });
  app.get('/', (_request, reply) => reply.redirect('/graphql'));
  return app;
}

/** Node would tell every client at once to go on; an upload is looked at first. */
function leaveExpectationsToUploads(server: Server): void {
  server.on('checkContinue', (request, response) => {
    if (request.method !== 'PUT') response.writeContinue();
    server.emit('request', request, response);
  });
}

function addHooks(app: FastifyInstance, options: ServerOptions): void {
  app.decorateRequest('notes', null as unknown as RequestNotes);
  app.addHook('onRequest', (request, reply, next) => {
    request.notes = {};
    void reply.header('x-request-id', request.id).header('x-content-type-options', 'nosniff');
    next(hostProblem(request.raw, options.loopbackOnly));
  });
  app.addHook('onSend', (request, reply, _payload, next) => {
    // Fastify would close on a client that is still sending, which then sees a broken connection in place of the answer.
    if (reply.statusCode === 413 && !isExpectant(request)) void reply.removeHeader('connection');
    next();
  });
  app.addHook('onResponse', (request, reply, next) => {
    const route = request.routeOptions.url ?? 'none';
    if (!request.notes.isLive) options.metrics.request(route, reply.statusCode, reply.elapsedTime / SECOND);
    const quiet = route === '/healthz' || route === '/readyz' || route === '/metrics';
    request.log[quiet ? 'debug' : 'info'](
      // Without the query: it may hold the signature of a URL.
      {
        method: request.method,
        path: pathOf(request),
        status: reply.statusCode,
        ms: round(reply.elapsedTime),
        ...notesOf(request, reply),
      },
      'request',
    );
    next();
  });
}

function notesOf({ notes }: FastifyRequest, reply: FastifyReply) {
  const { cache, ...others } = notes;
  return { ...others, cache: cache?.summary() ?? reply.getHeader('cache-status') };
}

function corsOptions(origins: readonly string[]) {
  return {
    origin: origins.length > 0 ? [...origins] : false,
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'OPTIONS'],
    allowedHeaders: [
      'authorization',
      'content-type',
      'apollo-require-preflight',
      'x-cache-debug',
      'x-request-id',
      'range',
      'if-range',
      'if-match',
      'if-none-match',
      'if-modified-since',
      'if-unmodified-since',
    ],
    exposedHeaders: [
      'x-request-id',
      'etag',
      'content-range',
      'content-length',
      'content-encoding',
      'accept-ranges',
      'content-disposition',
      'cache-status',
      'location',
    ],
    maxAge: 600,
  };
}

function requestId(given: string | string[] | undefined): string {
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
}

function pathOf(request: FastifyRequest): string {
  return request.url.split('?', 1)[0] ?? '';
}

function round(milliseconds: number): number {
  return Math.round(milliseconds * 100) / 100;
}
