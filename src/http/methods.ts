import type { FastifyInstance, FastifyRequest } from 'fastify';
import { GatewayError } from '../errors.js';
import { MethodError, sendError } from './http-error.js';

/**
 * Answers what no route takes: 405 with `Allow` where the path is known for other methods, the methods themselves to
 * `OPTIONS`, else 404. To be called before routes are added.
 */
export function refuseOtherMethods(app: FastifyInstance): void {
  const known = new Map<string, Set<string>>();
  app.addHook('onRoute', ({ url, method }) => {
    const methods = known.get(url) ?? new Set(['OPTIONS']);
    for (const each of [method].flat()) methods.add(each);
    known.set(url, methods);
  });
  app.setNotFoundHandler((request, reply) => {
    const methods = methodsOf(request, known);
    if (!methods) return sendError(new GatewayError('NOT_FOUND', 'There is nothing here; try /graphql.'), request, reply);
    const allow = [...methods].sort().join(', ');
    if (request.method === 'OPTIONS') return reply.code(204).header('allow', allow).send();
    return sendError(new MethodError(`The method must be one of ${allow}, but is: ${request.method}.`, allow), request, reply);
  });
}

function methodsOf({ raw }: FastifyRequest, known: ReadonlyMap<string, ReadonlySet<string>>): ReadonlySet<string> | undefined {
  const path = raw.url?.split('?', 1)[0] ?? '';
  for (const [url, methods] of known) {
    if (url.endsWith('/*') ? path.startsWith(url.slice(0, -1)) : path === url) return methods;
  }
  return undefined;
}
