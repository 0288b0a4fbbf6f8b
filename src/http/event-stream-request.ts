import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { GatewayError } from '../errors.js';
import type { OperationRequest } from '../graphql/operations.js';

const JSON_TYPES = /^(application\/(json|graphql(-response)?\+json|\*)|\*\/\*)/;

/**
 * Whether the answer is wanted as server-sent events rather than as JSON. Clients that take both name both, for every
 * operation: the one that comes first is meant.
 */
export function wantsEvents({ method, headers }: Pick<FastifyRequest, 'method' | 'headers'>): boolean {
  if (method !== 'GET' && method !== 'POST') return false;
  const types = (headers.accept ?? '').split(',').map((type) => type.trim().toLowerCase());
  const events = types.findIndex((type) => type.startsWith('text/event-stream'));
  const json = types.findIndex((type) => JSON_TYPES.test(type));
  return events >= 0 && (json < 0 || events < json);
}

const OBJECT = z.record(z.string(), z.unknown(), { error: 'must be an object' });
/** An operation that is known by its hash: the protocol of automatic persisted queries. */
const EXTENSIONS = z
  .object({
    persistedQuery: z
      .object({
        version: z.literal(1, { error: 'must be 1' }),
        sha256Hash: z.string({ error: 'must be a text' }),
      })
      .nullish(),
  })
  .nullish();
const OPERATION = z.object({
  query: z.string({ error: 'must be a text' }).nullish(),
  operationName: z.string({ error: 'must be a text' }).nullish(),
  variables: OBJECT.nullish(),
  extensions: EXTENSIONS,
});

/** The operation of a request in the form of GraphQL over HTTP. @throws GatewayError BAD_USER_INPUT */
export function operationOf({ method, query, body }: Pick<FastifyRequest, 'method' | 'query' | 'body'>): OperationRequest {
  const given = method === 'GET' ? fromUrl(query) : body;
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new GatewayError('BAD_USER_INPUT', 'The body must be JSON (content-type application/json): an object with "query".');
  }
  const parsed = OPERATION.safeParse(given);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new GatewayError('BAD_USER_INPUT', `"${issue?.path.join('.')}" ${issue?.message}.`);
  }
  const { query: text, operationName, variables, extensions } = parsed.data;
  const hash = extensions?.persistedQuery?.sha256Hash;
  if (typeof text !== 'string' && hash === undefined) throw new GatewayError('BAD_USER_INPUT', '"query" must be a text.');
  return {
    query: text ?? undefined,
    hash,
    operationName: operationName ?? undefined,
    variables: variables ?? undefined,
  };
}

function fromUrl(query: unknown): object {
  const given = { ...(query as Record<string, unknown>) };
  return { ...given, ...fromJson(given, 'variables'), ...fromJson(given, 'extensions') };
}

function fromJson(given: Readonly<Record<string, unknown>>, name: string): object {
  const text = given[name];
  if (typeof text !== 'string') return {};
  try {
    return { [name]: JSON.parse(text) as unknown };
  } catch {
    throw new GatewayError('BAD_USER_INPUT', `"${name}" must be JSON.`);
  }
}
