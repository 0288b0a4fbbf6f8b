import { stdSerializers } from 'pino';

/** What the log has of an error. */
export interface LoggedError {
  readonly type: string;
  /** With those of its causes. */
  readonly message: string;
  readonly stack: string;
  readonly code?: string;
  readonly aggregateErrors?: readonly LoggedError[];
}

/** What pino makes of one, with all its fields. */
interface Serialized {
  readonly type: string;
  readonly message: string;
  readonly stack: string;
  readonly code?: unknown;
  readonly aggregateErrors?: readonly Serialized[];
}

/**
 * An error for the log, without the fields that libraries hang on theirs: those may repeat what was sent, headers with
 * credentials included, or rows. Anything else than an error is logged as it is.
 */
export function loggedError(error: unknown): unknown {
  return error instanceof Error ? described(stdSerializers.err(error)) : error;
}

function described({ type, message, stack, code, aggregateErrors }: Serialized): LoggedError {
  return {
    type,
    message,
    stack,
    ...(typeof code === 'string' && { code }),
    ...(aggregateErrors && { aggregateErrors: aggregateErrors.map(described) }),
  };
}
