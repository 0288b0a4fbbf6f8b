import { createHash } from 'node:crypto';
import type { ApolloServer } from '@apollo/server';
import {
  createSourceEventStream,
  execute,
  getOperationAST,
  GraphQLError,
  type OperationTypeNode,
  Kind,
  parse,
  specifiedRules,
  validate,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  type FormattedExecutionResult,
  type GraphQLFormattedError,
  type GraphQLSchema,
} from 'graphql';
import type { SharedStreams, StreamMember } from '../live/shared-streams.js';
import type { Context } from './context.js';
import { DocumentStore } from './document-store.js';
import type { Admission } from './admission.js';
import { formatError, isForLog } from './errors.js';
import type { SentOperation } from './persisted-operations.js';
import { rulesOf, type Exposure } from './exposure.js';

/** An operation as a client sent it. */
export interface OperationRequest extends SentOperation, OperationChoice {}

/** An operation whose text is known. */
export interface OperationText extends OperationChoice {
  readonly query: string;
}

interface OperationChoice {
  readonly operationName?: string | undefined;
  readonly variables?: Readonly<Record<string, unknown>> | undefined;
}

/** Who asks for an operation that may outlive a request. */
export interface Asker {
  /** The same for those who are answered the same. */
  readonly scope: string;
  /** A context with loaders of its own: one for each event. */
  readonly context: () => Context;
}

export type Prepared =
  | { readonly kind: 'refused'; readonly errors: readonly GraphQLError[] }
  | {
      readonly kind: 'operation';
      readonly document: DocumentNode;
      readonly type: OperationTypeNode;
      readonly request: OperationText;
      /** In points. */
      readonly cost: number;
    };

/** A subscription that did not begin. */
export class SubscriptionError extends Error {
  override readonly name = 'SubscriptionError';

  constructor(readonly errors: readonly GraphQLError[]) {
    super(errors[0]?.message);
  }
}

export interface OperationsParts {
  readonly apollo: ApolloServer<Context>;
  readonly schema: GraphQLSchema;
  readonly streams: SharedStreams;
  readonly admission: Admission;
  readonly exposure: Exposure;
}

/** Operations that come by another way than one HTTP request; under the same limits, with the same errors. */
export class Operations {
  private readonly documents = new DocumentStore();

  constructor(private readonly parts: OperationsParts) {}

  prepare({ operationName, variables, ...sent }: OperationRequest): Prepared {
    try {
      this.parts.admission.limits.checkVariables(variables);
      const query = this.parts.admission.persisted.resolve(sent);
      const document = this.checked(query);
      const operation = getOperationAST(document, operationName);
      if (operation) {
        const cost = this.parts.admission.checkOperation(document, operationName, variables);
        if (sent.hash !== undefined) this.parts.admission.persisted.register(sent.hash, query);
        return { kind: 'operation', document, type: operation.operation, request: { query, operationName, variables }, cost };
      }
      const found = operationName === undefined ? 'more than one operation' : `no operation "${operationName}"`;
      const message = `"operationName" must be the name of an operation of the document, which has ${found}.`;
      return refusal([new GraphQLError(message, { extensions: { code: 'OPERATION_RESOLUTION_FAILURE' } })]);
    } catch (error) {
      if (error instanceof SubscriptionError) return refusal(error.errors);
      if (error instanceof GraphQLError) return refusal([error]);
      throw error;
    }
  }

  /**
   * Answers a query or a mutation.
   * @param onGone is given what to call when the client has gone before it was answered
   */
  async answer(
    { query, operationName, variables }: OperationText,
    { context }: Asker,
    onGone: (gone: () => void) => void = () => undefined,
  ): Promise<FormattedExecutionResult> {
    const request = { query, ...(operationName !== undefined && { operationName }), ...(variables && { variables }) };
    const contextValue = context();
    onGone(contextValue.end.clientGone);
    const { body } = await this.parts.apollo.executeOperation(request, { contextValue });
    if (body.kind === 'single') return body.singleResult;
    throw new Error('must be answered at once, since the schema has no @defer');
  }

  /**
   * Begins a subscription. Equal ones (document, variables, scope) are executed once for each event; `member` gets the
   * results as JSON.
   * @returns ends it
   * @throws SubscriptionError
   */
  subscribe(document: DocumentNode, request: OperationText, asker: Asker, member: StreamMember): Promise<() => void> {
    const { query, operationName, variables } = request;
    const key = createHash('sha256')
      .update(JSON.stringify([asker.scope, query, operationName, variables]))
      .digest('base64');
    const args = { schema: this.parts.schema, document, operationName, variableValues: variables };
    return this.parts.streams.join(key, () => this.begin(args, asker), member);
  }

  /** What clients are told when an operation could not begin, or had to end. */
  describe(error: unknown): GraphQLFormattedError[] {
    if (error instanceof SubscriptionError) return this.format(error.errors);
    if (error instanceof GraphQLError) return this.format([error]);
    return this.format([new GraphQLError('', { originalError: error instanceof Error ? error : new Error(String(error)) })]);
  }

  format(errors: readonly GraphQLError[]): GraphQLFormattedError[] {
    return errors.map((error) => formatError(error.toJSON(), error, this.parts.schema, this.parts.exposure));
  }

  private async begin(args: ExecutionArgs, { context }: Asker): Promise<AsyncIterableIterator<string>> {
    const contextValue = context();
    const events = await createSourceEventStream({ ...args, contextValue });
    if (Symbol.asyncIterator in events) return this.results(events[Symbol.asyncIterator](), args, context);
    const errors = (events.errors ?? []).map(variableError);
    logAll(errors, contextValue);
    throw new SubscriptionError(errors);
  }

  /** Not a generator: the `return` of one would wait for the next event, and the subscription with it. */
  private results(events: AsyncIterator<unknown>, args: ExecutionArgs, context: Asker['context']): AsyncIterableIterator<string> {
    return {
      next: async () => {
        const event = await events.next();
        if (event.done) return { done: true, value: undefined };
        const contextValue = context();
        const answered = this.parts.admission.start(contextValue);
        const result = await execute({ ...args, rootValue: event.value, contextValue });
        answered();
        return { done: false, value: JSON.stringify(this.formatted(result, contextValue)) };
      },
      return: async () => {
        await events.return?.();
        return { done: true, value: undefined };
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  private formatted({ data, errors }: ExecutionResult, context: Context): object {
    if (!errors) return { data };
    logAll(errors, context);
    return { data, errors: this.format(errors) };
  }

  private checked(query: string): DocumentNode {
    const known = this.documents.find(query);
    if (known) return known;
    this.parts.admission.checkText(query);
    const document = parsed(query);
    const errors = validate(this.parts.schema, document, [...specifiedRules, ...rulesOf(this.parts.exposure)]);
    if (errors.length > 0) throw new SubscriptionError(errors.map((error) => coded(error, 'GRAPHQL_VALIDATION_FAILED')));
    this.documents.keep(query, document);
    return document;
  }
}

function parsed(query: string): DocumentNode {
  try {
    return parse(query);
  } catch (error) {
    if (error instanceof GraphQLError) throw new SubscriptionError([coded(error, 'GRAPHQL_PARSE_FAILED')]);
    throw error;
  }
}

/** As Apollo does it for queries. */
function coded(error: GraphQLError, code: string): GraphQLError {
  const { message, nodes = null, source = null, positions = null, originalError = null } = error;
  return new GraphQLError(message, { nodes, source, positions, originalError, extensions: { code } });
}

/** What is wrong with a variable is the caller's to know; GraphQL itself gives it no code. */
function variableError(error: GraphQLError): GraphQLError {
  const isOfVariable = error.path === undefined && error.nodes?.[0]?.kind === Kind.VARIABLE_DEFINITION;
  return isOfVariable ? coded(error, 'BAD_USER_INPUT') : error;
}

function refusal(errors: readonly GraphQLError[]): Prepared {
  return { kind: 'refused', errors };
}

function logAll(errors: readonly GraphQLError[], context: Context): void {
  for (const error of errors) if (isForLog(error)) context.logError(error.originalError ?? error);
}
