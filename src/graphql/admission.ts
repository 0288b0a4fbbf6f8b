import type { ApolloServerPlugin, GraphQLRequestContext } from '@apollo/server';
import { GraphQLError, parse, type DocumentNode, type GraphQLSchema } from 'graphql';
import type { Time } from '../time.js';
import type { Milliseconds } from '../units.js';
import type { Context } from './context.js';
import type { Variables } from './cost-plan.js';
import { Limits, type OperationLimits } from './limits.js';
import type { Manifest } from './manifest.js';
import { checkPersistedQuery, PersistedOperations, type TrustOptions } from './persisted-operations.js';

export interface AdmissionOptions {
  readonly limits: OperationLimits;
  /** How long one operation may take. */
  readonly timeout: Milliseconds;
  readonly trust: TrustOptions;
  readonly time: Pick<Time, 'after'>;
}

/** Which operations are taken, the same by whatever way they come, and how long one may take. */
export class Admission {
  readonly persisted: PersistedOperations;
  readonly limits: Limits;

  constructor(
    schema: GraphQLSchema,
    private readonly options: AdmissionOptions,
  ) {
    this.limits = new Limits(schema, options.limits);
    this.persisted = new PersistedOperations(options.trust);
  }

  /** The operations that are known from the start, if there are some. */
  get manifest(): Manifest | undefined {
    return this.options.trust.manifest;
  }

  /** Before anything is parsed. @throws GraphQLError */
  checkText(text: string): void {
    this.persisted.check(text);
    this.limits.checkText(text);
  }

  /** When the document was found to be valid. @returns the cost in points @throws LimitError */
  checkOperation(document: DocumentNode, operationName: string | null | undefined, variables: Variables | undefined): number {
    this.limits.checkVariables(variables);
    return this.limits.checkedCost(document, operationName, variables);
  }

  /** Whether the operation of a valid document is taken. */
  takes(text: string, variables?: Variables): boolean {
    try {
      this.checkText(text);
      this.checkOperation(parse(text), undefined, variables);
      return true;
    } catch (error) {
      if (error instanceof GraphQLError) return false;
      throw error;
    }
  }

  /** Begins the time of an operation. @returns to be called when it is answered */
  start({ end }: Pick<Context, 'end'>): () => void {
    return end.after(this.options.timeout, this.options.time);
  }
}

/** What stands in for an operation that is refused before Apollo parses it; Apollo takes a refusal only later. */
const PLACEHOLDER = '{__typename}';

/** For Apollo. It must be the first of its plugins, so that the others see no operation that is refused. */
export function admissionPlugin(admission: Admission): ApolloServerPlugin<Context> {
  return {
    requestDidStart: (started) => {
      const refusal = refusalOf(started, admission);
      const answered = admission.start(started.contextValue);
      let cost = 0;
      return Promise.resolve({
        // Thrown, not rejected: what follows is not even asked.
        didResolveOperation: ({ document, request }) => {
          if (refusal) throw refusal;
          cost = admission.checkOperation(document, request.operationName, request.variables);
          return Promise.resolve();
        },
        willSendResponse: ({ contextValue, response: { body } }) => {
          answered();
          if (contextValue.debug && cost > 0 && body.kind === 'single') {
            body.singleResult.extensions = { ...body.singleResult.extensions, cost };
          }
          return Promise.resolve();
        },
      });
    },
  };
}

function refusalOf({ request }: GraphQLRequestContext<Context>, admission: Admission): GraphQLError | undefined {
  try {
    admission.limits.checkVariables(request.variables);
    checkPersistedQuery(request.extensions?.['persistedQuery']);
    if (typeof request.query === 'string') admission.checkText(request.query);
    return undefined;
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
    request.query = PLACEHOLDER;
    delete request.extensions;
    delete request.variables;
    return error;
  }
}
