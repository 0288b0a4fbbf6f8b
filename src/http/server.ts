import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import cors from '@fastify/cors';
import fastify, {
  LogController,
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify';
import type { Viewer } from '../access/viewer.js';
import type { OperationTrace } from '../cache/operation-trace.js';
import { GatewayError } from '../errors.js';
import type { Metrics } from '../telemetry/metrics.js';
import { KIB, SECOND, type Bytes, type Milliseconds } from '../units.js';
import { eventsRoute, type EventsRouteDeps } from './events-route.js';
import { filesRoute, type FilesRouteDeps } from './files-route.js';
import { graphqlRoute, type GraphqlRouteDeps } from './graphql-route.js';
import { healthRoutes, type HealthDeps } from './health.js';
import { answerClientError } from './client-errors.js';
import { trustIn, type Trusts } from './client-address.js';
import { capConnections, type ConnectionCaps } from './connection-caps.js';
import { answerExpectations, expectationProblem, isExpectant } from './expectation.js';
import { forwardedProblem, hostProblem, nameHost } from './host.js';
import { sendError } from './http-error.js';
import type { LiveDeps } from './live.js';
import { refuseOtherMethods } from './methods.js';
import { closePipelined } from './pipelining.js';
import { orderPipelined } from './pipeline-order.js';
import { addRateHooks, type RateState } from './rate-hooks.js';
import { logRequests } from './request-log.js';
import { securityHeaders } from './security-headers.js';
import { cutSlowReaders } from './slow-readers.js';
import { BodyDeadlines } from './upload-deadline.js';
import { uploadRoute, type UploadRouteDeps } from './upload-route.js';
import { acceptWebSockets, type WebSocketDeps } from './websocket.js';

/** What a request adds to its line in the log. */
export interface RequestNotes {
  operation?: string;
  errors?: readonly string[];
  role?: string;
  viewer?: Viewer;
  rate?: RateState;
  cache?: OperationTrace;
  /** It has its line. */
  isNoted?: boolean;
  /** It stayed open for its events, so its duration is not how long an answer took. */
  isLive?: boolean;
}

declare module 'fastify' {
  interface FastifyRequest {
    notes: RequestNotes;
  }
}

export interface ServerOptions extends ConnectionCaps {
  readonly log: FastifyBaseLogger;
  readonly maxRequest: Bytes;
  readonly trustProxy: boolean | readonly string[];
  readonly publicUrl?: string | undefined;
  readonly headersTimeout: Milliseconds;
  readonly requestTimeout: Milliseconds;
  readonly keepAlive: Milliseconds;
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
  readonly metricsSecrets?: HealthDeps['metricsSecrets'];
}

/** Each concern here that ends with an answer listens to it, beside Node, Fastify and the streams that it is made of. */
const LISTENERS_MAX = 20;
/** Of the URL and all headers together; Node's own default, stated because docs do. */
const HEADERS_MAX: Bytes = 16 * KIB;
const HEADER_LINES_MAX = 100;
const REQUEST_ID = /^[\w.:-]{1,64}$/;

/** The HTTP server with all its routes; not yet listening. */
export async function createServer(options: ServerOptions): Promise<FastifyInstance> {
  const trusts = trustIn(options.trustProxy);
  const setHeaders = securityHeaders(options);
  const app = fastify({
    loggerInstance: options.log,
    bodyLimit: options.maxRequest,
    trustProxy: options.trustProxy !== false && trusts,
    logController: new LogController({ disableRequestLogging: true }),
    forceCloseConnections: 'idle',
    genReqId: ({ headers }) => requestId(headers['x-request-id']),
    frameworkErrors: (error, request, reply) => {
      setHeaders(request, reply);
      return sendError(error, request, reply.header('cache-control', 'no-store'));
    },
    clientErrorHandler: answerClientError,
    http: {
      headersTimeout: options.headersTimeout,
      connectionsCheckingInterval: SECOND,
      maxHeaderSize: HEADERS_MAX,
      // `hostProblem` has it, and says so as all errors are said.
      requireHostHeader: false,
    },
    keepAliveTimeout: options.keepAlive,
    // `BodyDeadlines` has them.
    requestTimeout: 0,
    routerOptions: { maxParamLength: 5_000 },
  });
  capConnections(app.server, options, trusts, options.metrics);
  closePipelined(app.server);
  cutSlowReaders(app.server, { timeout: options.requestTimeout, clock: options.live.time.now });
  const deadlines = new BodyDeadlines(options.requestTimeout, options.live.time);
  deadlines.watch(app.server);
  answerExpectations(app.server);
  app.setErrorHandler(sendError);
  refuseOtherMethods(app);
  addHooks(app, { metrics: options.metrics, trusts }, (request, reply) => {
    nameHost(request.raw);
    setHeaders(request, reply);
    return (
      headerProblem(request.raw) ??
      expectationProblem(request.raw) ??
      hostProblem(request.raw, options.loopbackOnly) ??
      forwardedProblem(request.raw, trusts)
    );
  });
  orderPipelined(app, deadlines);
  await app.register(cors, corsOptions(options.corsOrigins));
  addRateHooks(app, options.live.rates, trusts);
  await app.register(healthRoutes, {
    readiness: options.readiness,
    metrics: options.metrics,
    metricsSecrets: options.metricsSecrets,
  });
  await app.register(filesRoute, options.files);
  await app.register(uploadRoute, { ...options.uploads, deadlines });
  await app.register(eventsRoute, options.events);
  await app.register(graphqlRoute, { ...options.graphql, live: options.live });
  const { maxRequest: maxMessage, loopbackOnly, corsOrigins } = options;
  acceptWebSockets(app.server, { ...options.live, maxMessage, trusts, loopbackOnly, corsOrigins });
  app.get('/', (_request, reply) => reply.redirect('/graphql'));
  return app;
}

/** `begin` sets what every answer has, and says what is wrong with the headers of a request. */
function addHooks(
  app: FastifyInstance,
  { metrics, trusts }: { metrics: Metrics; trusts: Trusts },
  begin: (request: FastifyRequest, reply: FastifyReply) => GatewayError | undefined,
): void {
  app.decorateRequest('notes', null as unknown as RequestNotes);
  app.addHook('onRequest', (request, reply, next) => {
    request.notes = {};
    reply.raw.setMaxListeners(LISTENERS_MAX);
    void reply.header('x-request-id', request.id);
    next(begin(request, reply));
  });
  logRequests(app, metrics, trusts);
  app.addHook('onSend', (request, reply, _payload, next) => {
    // Fastify would close on a client that is still sending, which then sees a broken connection in place of the answer.
    if (reply.statusCode === 413 && !isExpectant(request.raw)) void reply.removeHeader('connection');
    // What says nothing of caches is for one viewer, once.
    if (!reply.hasHeader('cache-control')) void reply.header('cache-control', 'no-store');
    next();
  });
}

function headerProblem({ rawHeaders }: IncomingMessage): GatewayError | undefined {
  const lines = rawHeaders.length / 2;
  if (lines <= HEADER_LINES_MAX) return undefined;
  return new GatewayError('BAD_USER_INPUT', `A request must have at most ${HEADER_LINES_MAX} header lines, but has: ${lines}.`);
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
      'ratelimit',
      'ratelimit-policy',
      'retry-after',
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
    strictPreflight: false,
  };
}

function requestId(given: string | string[] | undefined): string {
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
}
