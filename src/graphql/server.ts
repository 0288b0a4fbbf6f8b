import { ApolloServer, type ApolloServerPlugin } from '@apollo/server';
import { ApolloServerErrorCode } from '@apollo/server/errors';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginLandingPageDisabled,
  ApolloServerPluginUsageReportingDisabled,
} from '@apollo/server/plugin/disabled';
import { makeExecutableSchema } from '@graphql-tools/schema';
import { GraphQLError, OperationTypeNode, type GraphQLSchema } from 'graphql';
import { admissionPlugin, type Admission } from './admission.js';
import { compiledQueries } from './compiled-queries.js';
import type { Context } from './context.js';
import { DocumentStore } from './document-store.js';
import { formatError, isForLog } from './errors.js';
import { rulesOf, type Exposure } from './exposure.js';
import { typeDefs } from './generated/type-defs.js';
import { stringifyResult } from './ready-data.js';
import { resolvers } from './resolvers.js';
import { DateTime, Url } from './scalars.js';

export function createSchema(): GraphQLSchema {
  const schema = makeExecutableSchema<Context>({ typeDefs, resolvers });
  // The resolver of a scalar takes the place of all that the SDL says of it, also where it says nothing itself.
  for (const { name } of [DateTime, Url]) {
    const scalar = schema.getType(name);
    if (scalar) scalar.description ??= scalar.astNode?.description?.value;
  }
  return schema;
}

export interface GraphqlServerParts {
  readonly schema: GraphQLSchema;
  readonly admission: Admission;
  readonly exposure: Exposure;
  /** What a browser's GET shows; absent: nothing. */
  readonly page?: ApolloServerPlugin | undefined;
  /** Beside its own. */
  readonly plugins?: readonly ApolloServerPlugin<Context>[];
}

/** The GraphQL server, not yet started. */
export function createGraphqlServer(parts: GraphqlServerParts): ApolloServer<Context> {
  const { schema, admission, exposure, page, plugins = [] } = parts;
  return new ApolloServer<Context>({
    schema,
    plugins: [
      admissionPlugin(admission),
      requestPlugin,
      ...plugins,
      compiledQueries(schema),
      // Its hook on every field halves the throughput of long lists, and nothing here uses its hints.
      ApolloServerPluginCacheControlDisabled(),
      ApolloServerPluginUsageReportingDisabled(),
      page ?? ApolloServerPluginLandingPageDisabled(),
    ],
    stringifyResult,
    formatError: (formatted, error) => formatError(formatted, error, schema, exposure),
    documentStore: new DocumentStore().cache,
    persistedQueries: { cache: admission.persisted.cache },
    validationRules: rulesOf(exposure),
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
        contextValue.note({ operation: `${operation?.operation ?? 'operation'} ${operationName ?? '(anonymous)'}` });
        return operation?.operation === OperationTypeNode.SUBSCRIPTION ? Promise.reject(noSubscription()) : Promise.resolve();
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
        if (!singleResult.errors) return Promise.resolve();
        const codes = new Set(singleResult.errors.map(({ extensions }) => String(extensions?.code)));
        contextValue.note({ errors: [...codes] });
        if (codes.has('UNAUTHENTICATED')) response.http.status = 401;
        return Promise.resolve();
      },
    }),
};

/** Apollo would run it as a query: an answer of `null`, or an internal error where the schema has no such type. */
function noSubscription(): GraphQLError {
  const message =
    'A subscription cannot be answered by one HTTP response; send it by WebSocket with the subprotocol ' +
    '"graphql-transport-ws", or with the header "Accept: text/event-stream" for server-sent events.';
  return new GraphQLError(message, { extensions: { code: ApolloServerErrorCode.BAD_REQUEST, http: { status: 400 } } });
}
