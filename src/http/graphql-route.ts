import type { ApolloServer } from '@apollo/server';
import { fastifyApolloHandler } from '@as-integrations/fastify';
import type { FastifyPluginCallback, FastifyRequest } from 'fastify';
import type { Context } from '../graphql/context.js';
import { landingPageCsp } from '../graphql/landing-page.js';
import { describeError } from './http-error.js';

export interface GraphqlRouteDeps {
  readonly apollo: ApolloServer<Context>;
  readonly contextOf: (request: FastifyRequest) => Promise<Context>;
}

/** `/graphql`: GET and POST as GraphQL over HTTP has it; a browser's GET gets the landing page. */
export const graphqlRoute: FastifyPluginCallback<GraphqlRouteDeps> = (app, { apollo, contextOf }, done) => {
  app.setErrorHandler((error, request, reply) => {
    const { status, code, message } = describeError(error);
    if (status >= 500 && !reply.raw.destroyed) request.log.error({ err: error }, message);
    return reply.code(status).send({ errors: [{ message, extensions: { code } }] });
  });
  app.addHook('onSend', (_request, reply, _payload, next) => {
    if (String(reply.getHeader('content-type')).startsWith('text/html')) {
      void reply.header('content-security-policy', landingPageCsp()).header('cache-control', 'no-store');
    }
    next();
  });
  // Apollo answers every media type by itself, with an error where it is not JSON.
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, parsed) => parsed(null, body));
  app.route({
    method: ['GET', 'POST'],
    url: '/graphql',
    handler: fastifyApolloHandler(apollo, { context: contextOf }),
  });
  done();
};
