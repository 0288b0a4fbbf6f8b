import type { ApolloServer } from '@apollo/server';
import { fastifyApolloHandler } from '@as-integrations/fastify';
import type { FastifyPluginCallback, FastifyRequest } from 'fastify';
import type { Context } from '../graphql/context.js';
import { landingPageCsp } from '../graphql/landing-page.js';
import { compressed } from './compression.js';
import { answerByEvents } from './event-stream-route.js';
import { wantsEvents } from './event-stream-request.js';
import { describeError, MethodError, noteError } from './http-error.js';
import type { LiveDeps } from './live.js';

export interface GraphqlRouteDeps {
  readonly apollo: ApolloServer<Context>;
  /** Whether answers may be compressed. */
  readonly compression: boolean;
  readonly contextOf: (request: FastifyRequest) => Promise<Context>;
}

/**
 * `/graphql`: GET and POST as GraphQL over HTTP has it, or answered by server-sent events for those who want them; a
 * browser's GET gets the landing page. `/graphql/stream`: events for everyone.
 */
export const graphqlRoute: FastifyPluginCallback<GraphqlRouteDeps & { readonly live: LiveDeps }> = (app, deps, done) => {
  const { apollo, contextOf, live } = deps;
  app.setErrorHandler((error, request, reply) => {
    const { status, code, message } = describeError(error);
    noteError(request, code);
    if (status >= 500 && !reply.raw.destroyed) request.log.error({ err: error }, message);
    if (error instanceof MethodError) void reply.header('allow', error.allow);
    return reply.code(status).send({ errors: [{ message, extensions: { code } }] });
  });
  const pageCsp = landingPageCsp();
  app.addHook('onSend', (_request, reply, _payload, next) => {
    if (String(reply.getHeader('content-type')).startsWith('text/html')) void reply.header('content-security-policy', pageCsp);
    next();
  });
  if (deps.compression) app.addHook('onSend', compressed);
  // Apollo answers every media type by itself, with an error where it is not JSON.
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, parsed) => parsed(null, body));
  const answerAtOnce = fastifyApolloHandler(apollo, {
    context: async (request, reply) => {
      const context = await contextOf(request);
      reply.raw.once('close', () => {
        if (!reply.raw.writableFinished) context.end.clientGone();
      });
      return context;
    },
  });
  app.route({
    method: ['GET', 'POST'],
    url: '/graphql',
    exposeHeadRoute: false,
    handler: (request, reply) =>
      wantsEvents(request) ? answerByEvents(request, reply, live) : answerAtOnce.call(app, request, reply),
  });
  app.route({
    method: ['GET', 'POST'],
    url: '/graphql/stream',
    exposeHeadRoute: false,
    handler: (request, reply) => answerByEvents(request, reply, live),
  });
  done();
};
