import type { FastifyInstance, FastifyRequest } from 'fastify';
import { KIB, type Bytes } from '../units.js';
import { addressGroup, clientAddress, type Trusts } from './client-address.js';
import { newRateNotes, type Asking, type RateLimits, type RateNotes } from './rate-limits.js';

/** Probes and scrapes come often, and from one address. */
const UNCOUNTED: ReadonlySet<string> = new Set(['/healthz', '/readyz', '/metrics']);

/** A body that comes in chunks does not tell before how large it is. */
const UNTOLD: Bytes = 16 * KIB;

/** What the hooks know of a request; absent where nothing is bounded. */
export interface RateState {
  readonly address: string;
  readonly notes: RateNotes;
}

/**
 * Counts requests and failed authentications, and tells what is left. To be called after CORS was set up,
 * so that pages can read a refusal.
 */
export function addRateHooks(app: FastifyInstance, rates: RateLimits, trusts: Trusts): void {
  if (!rates.areOn) return;
  app.addHook('onRequest', (request, _reply, next) => {
    const rate = { address: addressGroup(clientAddress(request.raw, trusts)), notes: newRateNotes() };
    request.notes.rate = rate;
    const isUncounted = UNCOUNTED.has(request.routeOptions.url ?? '');
    try {
      if (isUncounted) rates.attempt(rate.address, credentialsOf(request), rate.notes);
      else rates.arrive(rate.address, credentialsOf(request), rate.notes, sizeOf(request));
      next();
    } catch (error) {
      next(error as Error);
    }
  });
  app.addHook('onSend', (request, reply, _payload, next) => {
    const { rate } = request.notes;
    if (rate) void reply.headers(rates.headers(rate.notes));
    next();
  });
  app.addHook('onResponse', (request, reply, next) => {
    const { rate, viewer } = request.notes;
    const credentials = credentialsOf(request);
    if (rate && credentials !== undefined) {
      if (reply.statusCode === 401) rates.proved(rate.address, credentials, false);
      else if (viewer && viewer.role !== 'anonymous') rates.proved(rate.address, credentials, true);
    }
    next();
  });
}

/** On whose behalf the request is, as far as it is known by now. */
export function askingOf({ notes: { rate, viewer } }: FastifyRequest): Asking {
  return { address: rate?.address ?? '', viewer };
}

/** What is parsed of the request: its URL, and its body unless that is a file. */
function sizeOf({ method, headers, raw: { url = '' } }: FastifyRequest): Bytes {
  const body =
    method === 'PUT' ? 0 : headers['transfer-encoding'] === undefined ? Number(headers['content-length'] ?? 0) : UNTOLD;
  return url.length + body;
}

/** All that the request may prove itself by, so that what was good of it makes nothing else of it welcome. */
function credentialsOf({ headers: { authorization }, raw: { url = '' } }: FastifyRequest): string | undefined {
  return url.includes('signature=') ? `${url} ${authorization ?? ''}` : authorization;
}
