import { ApolloServerErrorCode } from '@apollo/server/errors';
import { GraphQLError, isEnumType, Kind, type GraphQLFormattedError, type GraphQLSchema } from 'graphql';
import { GatewayError } from '../errors.js';
import { withoutSchema, type Exposure } from './exposure.js';
import { LimitError } from './limit-error.js';

/** Codes of errors in the operation itself; their messages are written for the caller. */
const CALLER_ERRORS: readonly unknown[] = [
  ApolloServerErrorCode.GRAPHQL_PARSE_FAILED,
  ApolloServerErrorCode.GRAPHQL_VALIDATION_FAILED,
  ApolloServerErrorCode.PERSISTED_QUERY_NOT_FOUND,
  ApolloServerErrorCode.PERSISTED_QUERY_NOT_SUPPORTED,
  ApolloServerErrorCode.BAD_USER_INPUT,
  ApolloServerErrorCode.OPERATION_RESOLUTION_FAILURE,
  ApolloServerErrorCode.BAD_REQUEST,
];

/** The error that was written for the caller, if there is one inside. */
function gatewayErrorIn(error: unknown): GatewayError | undefined {
  const inner = error instanceof GraphQLError ? error.originalError : error;
  return inner instanceof GatewayError ? inner : undefined;
}

/** GraphQL takes over the extensions of whatever a resolver throws: a code counts only if GraphQL itself gave it. */
function isCallerError(error: unknown): boolean {
  if (!(error instanceof GraphQLError)) return false;
  if (error.originalError !== undefined && !(error.originalError instanceof GraphQLError)) return false;
  return CALLER_ERRORS.includes(error.extensions.code) || isRefusalWithoutCode(error) || isBadValue(error);
}

/** Apollo gives some refusals of a request, such as a wrong hash of a persisted query, a status but no code. */
function isRefusalWithoutCode({ path, extensions }: GraphQLError): boolean {
  return (
    path === undefined && extensions.code === undefined && (extensions.http as { status?: number } | undefined)?.status === 400
  );
}

/** Whether there is more to the error than the caller is told. */
export function isForLog(error: unknown): boolean {
  const known = gatewayErrorIn(error);
  return known ? known.cause !== undefined : !isCallerError(error);
}

/** For Apollo, when a request is refused before its operation runs. */
export function asGraphqlError(error: unknown, status: number): GraphQLError {
  const original = error instanceof Error ? error : new Error(String(error));
  return new GraphQLError(original.message, {
    originalError: original,
    extensions: { code: gatewayErrorIn(error)?.code ?? ApolloServerErrorCode.INTERNAL_SERVER_ERROR, http: { status } },
  });
}

/**
 * What a caller sees of an error: its message and code if it was written for the caller, else a bare internal error. Only
 * `code` is kept of the extensions, and which limit was exceeded.
 */
export function formatError(
  formatted: GraphQLFormattedError,
  error: unknown,
  schema: GraphQLSchema,
  { introspection }: Exposure,
): GraphQLFormattedError {
  const { locations, path } = formatted;
  const place = { ...(locations && { locations }), ...(path && { path }) };
  const known = gatewayErrorIn(error);
  if (known) return { message: known.message, ...place, extensions: { code: known.code } };
  if (error instanceof LimitError) {
    return { message: error.message, ...place, extensions: { code: error.extensions.code, ...error.exceeded } };
  }
  if (!isCallerError(error)) return { message: 'Internal server error', ...place, extensions: { code: 'INTERNAL_SERVER_ERROR' } };
  const code = isBadValue(error) ? ApolloServerErrorCode.BAD_USER_INPUT : codeOf(error);
  const { message } = formatted;
  return {
    message: introspection ? withChoices(message, schema) : discreet(message, error, schema),
    ...place,
    extensions: { code },
  };
}

function discreet(message: string, error: unknown, schema: GraphQLSchema): string {
  const shown = error instanceof GraphQLError ? withoutSchema(message, error, schema) : undefined;
  return shown ?? 'The operation, or a value that was sent with it, does not fit the schema of this gateway.';
}

function codeOf(error: unknown): unknown {
  return (error instanceof GraphQLError ? error.extensions.code : undefined) ?? ApolloServerErrorCode.BAD_REQUEST;
}

/**
 * A wrong value is bad input whether it was written into the operation or sent as a variable. Some are found only while it is
 * carried out: `null` for a variable with a default, where there must be a value. What goes wrong with an answer is told of its fields.
 */
function isBadValue(error: unknown): boolean {
  const nodes = error instanceof GraphQLError ? (error.nodes ?? []) : [];
  return nodes.length > 0 && nodes.every(({ kind }) => kind.endsWith('Value') || kind === Kind.VARIABLE);
}

/** GraphQL names the enum that a value is not of; this adds the values it has. */
function withChoices(message: string, schema: GraphQLSchema): string {
  const match = /does not exist in "(\w+)" enum|Enum "(\w+)" cannot represent/.exec(message);
  const name = match?.[1] ?? match?.[2];
  const type = name === undefined ? undefined : schema.getType(name);
  if (!isEnumType(type)) return message;
  return `${message} Expected one of: ${type
    .getValues()
    .map((value) => value.name)
    .join(', ')}.`;
}
