/** The closed set of codes that clients see in `extensions.code` and in HTTP error bodies. */
export type ErrorCode =
  | 'BAD_USER_INPUT'
  | 'UNAUTHENTICATED'
  | 'FORBIDDEN'
  | 'NOT_FOUND'
  | 'CONFLICT'
  | 'INVALID_TRANSITION'
  | 'RATE_LIMITED'
  | 'SOURCE_UNAVAILABLE';

/**
 * An error whose message was written for the caller: it names what was wrong and what was expected, and holds nothing
 * internal. Everything else that is thrown reaches a caller as a bare "Internal server error".
 */
export class GatewayError extends Error {
  override readonly name = 'GatewayError';

  constructor(
    readonly code: ErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** A source (database, file store) did not answer, or not in time. `cause` is for the log only. */
export function sourceUnavailable(source: string, cause?: unknown): GatewayError {
  return new GatewayError('SOURCE_UNAVAILABLE', `The ${source} does not answer at the moment; try again shortly.`, { cause });
}

/** `value` as it may appear in a message: short, printable, in quotes. */
export function quoted(value: unknown): string {
  const text = typeof value === 'string' ? value : String(JSON.stringify(value));
  const printable = text.replace(/[^\P{C}]/gu, '\uFFFD');
  return `"${printable.length > 60 ? `${printable.slice(0, 60)}…` : printable}"`;
}
