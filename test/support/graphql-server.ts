import type { ApolloServer } from '@apollo/server';
import type { GraphQLSchema } from 'graphql';
import { Admission, type AdmissionOptions } from '../../src/graphql/admission.js';
import type { Context } from '../../src/graphql/context.js';
import type { Exposure } from '../../src/graphql/exposure.js';
import type { OperationLimits } from '../../src/graphql/limits.js';
import { createGraphqlServer, createSchema } from '../../src/graphql/server.js';
import { systemTime } from '../../src/time.js';
import { SECOND } from '../../src/units.js';

/** The defaults of the settings. */
export const LIMITS: OperationLimits = {
  cost: 10_000,
  depth: 10,
  aliases: 200,
  rootFields: 100,
  tokens: 10_000,
  directives: 50,
};

export interface TestServer {
  readonly server: ApolloServer<Context>;
  readonly schema: GraphQLSchema;
  readonly admission: Admission;
}

/** The GraphQL server without HTTP, not yet started. */
export function graphqlServer(options: Partial<AdmissionOptions & Exposure> = {}): TestServer {
  const { introspection = true, ...others } = options;
  const schema = createSchema();
  const admission = new Admission(schema, {
    limits: LIMITS,
    timeout: 30 * SECOND,
    trust: { only: false },
    time: systemTime,
    ...others,
  });
  return { schema, admission, server: createGraphqlServer({ schema, admission, exposure: { introspection } }) };
}
