import { GraphQLError, GraphQLScalarType, Kind, valueFromASTUntyped, type ValueNode } from 'graphql';
import { Temporal } from 'temporal-polyfill';
import { quoted } from '../errors.js';
import type { EpochMilliseconds } from '../units.js';

/** RFC 3339, with seconds optional. Whether the day exists is for Temporal to say; it would take second 60 for 59. */
const FORM = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:[0-5]\d(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/i;

function parseDateTime(value: unknown, node?: ValueNode): EpochMilliseconds {
  if (typeof value === 'string' && FORM.test(value)) {
    try {
      return Temporal.Instant.from(value).epochMilliseconds;
    } catch {
      // No such day or time; the message below says what was expected.
    }
  }
  const expected = 'an existing date and time in ISO 8601 with an offset or Z, such as "2025-07-24T15:00Z"';
  throw badInput(`DateTime must be ${expected}, but got: ${quoted(value)}.`, node);
}

/** Milliseconds since 1970 inside; ISO 8601 in UTC outside. */
export const DateTime = new GraphQLScalarType<EpochMilliseconds, string>({
  name: 'DateTime',
  serialize: (value) => new Date(value as EpochMilliseconds).toISOString(),
  parseValue: (value) => parseDateTime(value),
  parseLiteral: (node) => parseDateTime(literal(node), node),
});

function parseUrl(value: unknown, node?: ValueNode): string {
  if (typeof value === 'string' && URL.canParse(value)) return value;
  throw badInput(`URL must be an absolute URL, but got: ${quoted(value)}.`, node);
}

export const Url = new GraphQLScalarType<string, string>({
  name: 'URL',
  serialize: (value) => String(value),
  parseValue: (value) => parseUrl(value),
  parseLiteral: (node) => parseUrl(literal(node), node),
});

/** What a caller wrote into the operation; for messages, if it is not even a text. */
function literal(node: ValueNode): unknown {
  return node.kind === Kind.STRING ? node.value : valueFromASTUntyped(node);
}

function badInput(message: string, node: ValueNode | undefined): GraphQLError {
  return new GraphQLError(message, { nodes: node ?? null, extensions: { code: 'BAD_USER_INPUT' } });
}
