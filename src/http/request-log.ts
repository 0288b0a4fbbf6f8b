import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Metrics } from '../telemetry/metrics.js';
import { addressGroup, clientAddress, type Trusts } from './client-address.js';
import { SECOND } from '../units.js';

/** What somebody gets who guesses or asks too much. */
const STRANGE: ReadonlySet<string> = new Set(['UNAUTHENTICATED', 'RATE_LIMITED']);
const QUIET: ReadonlySet<string> = new Set(['/healthz', '/readyz', '/metrics']);
/** As nginx has it: the connection ended, most often by the client, before an answer had begun. */
const CLIENT_GONE = 499;

/** One line in the log for each request, and its place in the metrics: when the answer was sent, or the connection has ended. */
export function logRequests(app: FastifyInstance, metrics: Pick<Metrics, 'request'>, trusts: Trusts): void {
  app.addHook('onRequest', (request, reply, next) => {
    reply.raw.once('close', () => note(request, reply, true));
    next();
  });
  app.addHook('onResponse', (request, reply, next) => {
    note(request, reply, false);
    next();
  });

  /** Only the first time: an answer that ends after its connection may still be told to be sent. */
  function note(request: FastifyRequest, reply: FastifyReply, aborted: boolean): void {
    if (request.notes.isNoted) return;
    request.notes.isNoted = true;
    const route = request.routeOptions.url ?? 'none';
    const status = aborted && !reply.raw.headersSent ? CLIENT_GONE : reply.raw.statusCode;
    if (!request.notes.isLive) metrics.request(route, status, reply.elapsedTime / SECOND);
    request.log[QUIET.has(route) ? 'debug' : 'info'](
      {
        method: request.method,
        path: pathOf(request),
        status,
        ms: round(reply.elapsedTime),
        ...(aborted && { aborted }),
        ...notesOf(request, reply),
        ...(request.notes.errors?.some((code) => STRANGE.has(code)) && {
          address: addressGroup(clientAddress(request.raw, trusts)),
        }),
      },
      'request',
    );
  }
}

function notesOf({ notes }: FastifyRequest, reply: FastifyReply) {
  const { cache, viewer, rate: _rate, isNoted: _isNoted, ...others } = notes;
  const partner = viewer?.role === 'partner' ? viewer.partnerId : undefined;
  return { ...others, partner, cache: cache?.summary() ?? reply.getHeader('cache-status') };
}

/** Without the query: it may hold the signature of a URL. */
function pathOf({ url }: FastifyRequest): string {
  return url.split('?', 1)[0] ?? '';
}

function round(milliseconds: number): number {
  return Math.round(milliseconds * 100) / 100;
}
