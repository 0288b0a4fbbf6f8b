import { HeaderMap, type ApolloServerPlugin, type GraphQLRequest } from '@apollo/server';
import {
  getVariableValues,
  Kind,
  OperationTypeNode,
  visit,
  BREAK,
  type DocumentNode,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from 'graphql';
import { compileQuery, isCompiledQuery, type CompiledQuery } from 'graphql-jit';
import { LRUCache } from 'lru-cache';
import type { Context } from './context.js';
import { bodyOf, ReadyData } from './ready-data.js';

/** Compiling takes some milliseconds, so only what comes again is compiled: at this time that the same query is seen. */
const WORTH_COMPILING = 3;
/** The most compiled queries that are kept. */
const COMPILED_MAX = 200;

/** Whether a variable that has a default is `null` all the same: where there must be a value, compiled code does not find that out. */
function isNullForDefault(
  { variableDefinitions = [] }: OperationDefinitionNode,
  values: Readonly<Record<string, unknown>>,
): boolean {
  return variableDefinitions.some(({ defaultValue, variable }) => defaultValue && values[variable.name.value] === null);
}

/**
 * Runs queries that come again as compiled code, which is several times faster for long lists. It gives answers without errors
 * only: whatever goes wrong is left to Apollo, which executes the operation as if nothing had happened (its loaders have
 * the values already). Which variables are accepted is decided by graphql-js in any case. So all errors are Apollo's own.
 * What is answered is kept whole, and not even executed while it is known that the answer would be the same.
 */
export function compiledQueries(schema: GraphQLSchema): ApolloServerPlugin<Context> {
  const seen = new WeakMap<DocumentNode, number>();
  const compiled = new LRUCache<DocumentNode, CompiledQuery>({ max: COMPILED_MAX });

  /** Apollo parses a text once while it is in use, so a document is the same object each time. */
  const find = (document: DocumentNode): CompiledQuery | undefined => {
    const known = compiled.get(document);
    if (known) return known;
    const times = (seen.get(document) ?? 0) + 1;
    seen.set(document, times);
    if (times < WORTH_COMPILING || !isCompilable(document)) return undefined;
    const made = compileQuery(schema, document);
    if (!isCompiledQuery(made)) return undefined;
    compiled.set(document, made);
    return made;
  };

  const respond = async (document: DocumentNode, contextValue: Context, { operationName, variables = {} }: GraphQLRequest) => {
    const query = find(document);
    const [operation] = document.definitions;
    if (!query || operation?.kind !== Kind.OPERATION_DEFINITION) return null;
    // The only operation may not be the one that was asked for.
    if (operationName !== undefined && operationName !== operation.name?.value) return null;
    const { coerced } = getVariableValues(schema, operation.variableDefinitions ?? [], variables);
    if (!coerced || isNullForDefault(operation, coerced)) return null;
    const asked = JSON.stringify(coerced);
    const known = await contextValue.answers.find(document, asked);
    if (known !== undefined) return responseWith(known);
    const { data, errors } = await query.query(undefined, contextValue, variables);
    if (errors || !data) return null;
    const body = bodyOf(data);
    await contextValue.answers.keep(document, asked, body);
    return responseWith(body);
  };

  return {
    requestDidStart: () =>
      Promise.resolve({
        responseForOperation: ({ document, contextValue, request }) => respond(document, contextValue, request).catch(() => null),
      }),
  };
}

function responseWith(body: string) {
  return { http: { headers: new HeaderMap() }, body: { kind: 'single' as const, singleResult: { data: new ReadyData(body) } } };
}

/** One query first, then its fragments. An object made by compiled code cannot have a field `__proto__`. */
function isCompilable({ definitions }: DocumentNode): boolean {
  const [first, ...others] = definitions;
  if (first?.kind !== Kind.OPERATION_DEFINITION || first.operation !== OperationTypeNode.QUERY) return false;
  if (others.some(({ kind }) => kind !== Kind.FRAGMENT_DEFINITION)) return false;
  let plain = true;
  for (const definition of definitions) {
    visit(definition, {
      Name: ({ value }) => {
        if (value !== '__proto__') return undefined;
        plain = false;
        return BREAK;
      },
    });
  }
  return plain;
}
