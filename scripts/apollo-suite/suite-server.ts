import { ApolloServer } from '@apollo/server';
import type { CreateServerForIntegrationTests } from '@apollo/server-integration-testsuite';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { openAdmission } from '../../src/compose/admission.js';
import { openLive } from '../../src/compose/live.js';
import { loadConfig } from '../../src/config.js';
import type { Context } from '../../src/graphql/context.js';
import { OperationEnd } from '../../src/graphql/operation-end.js';
import { RateLimits } from '../../src/http/rate-limits.js';
import { createServer, type ServerOptions } from '../../src/http/server.js';
import type { Sessions } from '../../src/http/sessions.js';
import { Ledger } from '../../src/limits/ledger.js';
import { Metrics } from '../../src/telemetry/metrics.js';
import { systemTime } from '../../src/time.js';

const config = loadConfig({});
const { schema, admission } = await openAdmission(config);

const never = (): never => {
  throw new Error('The suite must ask for nothing but /graphql.');
};

/**
 * The gateway's whole HTTP server with its default settings, in front of an Apollo Server with the schema and options of a
 * test. Nothing is behind paths other than /graphql.
 */
export const createSuiteServer: CreateServerForIntegrationTests = async (options, { context } = {}) => {
  const server = new ApolloServer(options);
  await server.start();
  const contextOf = async (): Promise<Context> => {
    const value = (await context?.()) ?? {};
    // Tests compare the context with their own; so what the route needs is added where it does not show.
    return Object.defineProperty(value, 'end', { value: new OperationEnd(), enumerable: false, configurable: true }) as Context;
  };
  const apollo = server as unknown as ApolloServer<Context>;
  const app = await createServer(optionsWith({ apollo, compression: config.http.compression, contextOf }));
  takeRootForGraphql(app);
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  return { server, url, extraCleanup: () => app.close() };
};

function optionsWith(graphql: ServerOptions['graphql']): ServerOptions {
  const log = pino({ level: 'silent' });
  const metrics = new Metrics({
    memoryTierBytes: () => 0,
    pendingRenewals: () => 0,
    storeAvailable: () => true,
    feed: { connected: false, leading: false, lag: 0 },
    levels: { daysByLevel: new Map(), switches: 0, overfull: 0 },
  });
  const rates = new RateLimits(new Ledger(systemTime), config.rateLimits, metrics);
  const sessions = { asker: never, callerOf: never, callerBy: never } as unknown as Sessions;
  return {
    ...config.http,
    log,
    metrics,
    loopbackOnly: config.auth.mode === 'demo',
    graphql,
    live: openLive(config, { apollo: graphql.apollo, schema, admission, sessions, metrics, rates }, log),
    files: { authorise: never, readFile: never, openFile: never, servedInline: never, fileChanged: never },
    uploads: { viewerOf: never, head: never, commandsOf: never, uploadMax: config.files.uploadMax },
    events: { viewerOf: never, secrets: [], commandsOf: never, confirm: never },
    readiness: never,
  };
}

/** The suite's paths are of a server that answers GraphQL at `/`. */
function takeRootForGraphql({ server }: FastifyInstance): void {
  server.prependListener('request', (request) => {
    request.url = request.url?.replace(/^\/(?=\?|$)/, '/graphql');
  });
}
