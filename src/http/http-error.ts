import type { FastifyReply, FastifyRequest } from 'fastify';
import { GatewayError, type ErrorCode } from '../errors.js';

/** An invalid transition is 422, not 409: the same request cannot succeed later, as nothing moves backwards. */
const STATUS: Readonly<Record<ErrorCode, number>> = {
  BAD_USER_INPUT: 400,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  CONFLICT: 409,
  INVALID_TRANSITION: 422,
  RATE_LIMITED: 429,
  SOURCE_UNAVAILABLE: 503,
};

/** What a client must or may learn besides the body: RFC 9110 §11.6.1 and §10.2.3 (seconds). */
const HEADERS: Partial<Record<ErrorCode, readonly [name: string, value: string]>> = {
  UNAUTHENTICATED: ['www-authenticate', 'Bearer'],
  RATE_LIMITED: ['retry-after', '1'],
  SOURCE_UNAVAILABLE: ['retry-after', '1'],
};

const CODE_OF_STATUS: ReadonlyMap<number, ErrorCode> = new Map([
  [401, 'UNAUTHENTICATED'],
  [403, 'FORBIDDEN'],
  [404, 'NOT_FOUND'],
  [409, 'CONFLICT'],
  [412, 'CONFLICT'],
  [429, 'RATE_LIMITED'],
]);

export interface ErrorBody {
  readonly error: { readonly code: ErrorCode | 'INTERNAL_SERVER_ERROR'; readonly message: string };
}

/** The HTTP status that an error code has on every route but `/graphql`. */
export function httpStatusOf(code: ErrorCode): number {
  return STATUS[code];
}

export function errorBody(code: ErrorBody['error']['code'], message: string): ErrorBody {
  return { error: { code, message } };
}

/** For the request's line in the log. A request may fail before it has notes. */
export function noteError(request: FastifyRequest, code: ErrorBody['error']['code']): void {
  request.notes = { ...request.notes, errors: [code] };
}

/**
 * Answers a request with what may be said of `error`, and logs the rest. Fits `setErrorHandler` and, so that malformed
 * URLs get the same JSON, the server option `frameworkErrors`.
 */
export function sendError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { status, code, message } = describeError(error);
  noteError(request, code);
  // Whoever went away caused the failure, or does not see it.
  if (status >= 500 && !reply.raw.destroyed) request.log[status === 503 ? 'warn' : 'error']({ err: error }, message);
  const header = code === 'INTERNAL_SERVER_ERROR' ? undefined : HEADERS[code];
  if (header) void reply.header(...header);
  if (error instanceof MethodError) void reply.header('allow', error.allow);
  return reply.code(status).type('application/json; charset=utf-8').send(errorBody(code, message));
}

/** What was asked for must be asked for by another method. Answered with 405 and `Allow`. */
export class MethodError extends GatewayError {
  constructor(
    message: string,
    readonly allow: string,
  ) {
    super('BAD_USER_INPUT', message);
  }
}

/** The client expects what the gateway does not do. Answered with 417. */
export class ExpectationError extends GatewayError {
  constructor(message: string) {
    super('BAD_USER_INPUT', message);
  }
}

/** What may be said of `error`, and the HTTP status that goes with it. */
export function describeError(error: unknown): { status: number; code: ErrorBody['error']['code']; message: string } {
  if (error instanceof MethodError) return { status: 405, code: error.code, message: error.message };
  if (error instanceof ExpectationError) return { status: 417, code: error.code, message: error.message };
  if (error instanceof GatewayError) return { status: STATUS[error.code], code: error.code, message: error.message };
  const refusal = frameworkRefusal(error);
  if (!refusal) return { status: 500, code: 'INTERNAL_SERVER_ERROR', message: 'Internal server error' };
  return { ...refusal, code: CODE_OF_STATUS.get(refusal.status) ?? 'BAD_USER_INPUT' };
}

/** Fastify's own 4xx errors, whose texts are written for the client. */
function frameworkRefusal(error: unknown): { readonly status: number; readonly message: string } | undefined {
  if (!(error instanceof Error) || !('statusCode' in error) || !('code' in error)) return undefined;
  const { statusCode: status, code, message } = error;
  const isRefusal = typeof status === 'number' && status >= 400 && status < 500;
  return isRefusal && String(code).startsWith('FST_') ? { status, message } : undefined;
}
