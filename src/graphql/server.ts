import { ApolloServer, type ApolloServerPlugin } from '@apollo/server';
import { ApolloServerPluginCacheControlDisabled, ApolloServerPluginUsageReportingDisabled } from '@apollo/server/plugin/disabled';
import { makeExecutableSchema } from '@graphql-tools/schema';
import type { GraphQLSchema } from 'graphql';
import type { Context } from './context.js';
import { formatError, isForLog } from './errors.js';
import { typeDefs } from './generated/type-defs.js';
import { resolvers } from './resolvers.js';

export function createSchema(): GraphQLSchema {
  return makeExecutableSchema<Context>({ typeDefs, resolvers });
}

/** The GraphQL server, not yet started. `plugins` beside its own: landing page, draining. */
export function createGraphqlServer(plugins: readonly ApolloServerPlugin<Context>[]): ApolloServer<Context> {
  const schema = createSchema();
  return new ApolloServer<Context>({
    schema,
    plugins: [
      requestPlugin,
      // Its hook on every field halves the throughput of long lists, and nothing here uses its hints.
      ApolloServerPluginCacheControlDisabled(),
      ApolloServerPluginUsageReportingDisabled(),
      ...plugins,
    ],
    formatError: (formatted, error) => formatError(formatted, error, schema),
    includeStacktraceInErrorResponses: false,
    introspection: true,
    // The process ends by its own signal handling, which also closes everything else.
    stopOnTerminationSignals: false,
  });
}

/** Names the operation in the log, logs what the caller is not told, and adds `extensions.cache` where it was asked for. */
const requestPlugin: ApolloServerPlugin<Context> = {
  requestDidStart: () =>
    Promise.resolve({
      didResolveOperation: ({ contextValue, operation, operationName }) => {
        contextValue.named(`${operation?.operation ?? 'operation'} ${operationName ?? '(anonymous)'}`);
        return Promise.resolve();
      },
      didEncounterErrors: ({ contextValue, errors }) => {
        for (const error of errors) if (isForLog(error)) contextValue.logError(error.originalError ?? error);
        return Promise.resolve();
      },
      willSendResponse: ({ contextValue, response }) => {
        if (response.body.kind !== 'single') return Promise.resolve();
        const { singleResult } = response.body;
        const cache = contextValue.cacheReport();
        if (cache) singleResult.extensions = { ...singleResult.extensions, cache };
        const codes = singleResult.errors?.map(({ extensions }) => extensions?.code);
        if (codes?.includes('UNAUTHENTICATED')) response.http.status = 401;
        return Promise.resolve();
      },
    }),
};
