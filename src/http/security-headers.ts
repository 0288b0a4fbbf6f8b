import type { FastifyReply, FastifyRequest } from 'fastify';

export interface SecurityHeaderOptions {
  readonly corsOrigins: readonly string[];
  /** Where clients reach the gateway; with `https:` they are told never to come without. */
  readonly publicUrl?: string | undefined;
}

type HeaderMap = Readonly<Record<string, string>>;

/** For answers that are data and never a document; also for those that are written without Fastify. */
export const DATA_HEADERS: HeaderMap = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'x-frame-options': 'DENY',
};

const HSTS: HeaderMap = { 'strict-transport-security': 'max-age=31536000' };

/**
 * Sets the headers of every answer (OWASP: REST Security Cheat Sheet). The landing page replaces the content security policy
 * by its own.
 *
 * Files differ: pages that may call the gateway may also show them, as images or in frames, and a browser's own viewers
 * need their inline styles. What could run as a script is never sent as such.
 */
export function securityHeaders({
  corsOrigins,
  publicUrl,
}: SecurityHeaderOptions): (request: FastifyRequest, reply: FastifyReply) => void {
  const ancestors = corsOrigins.length > 0 ? corsOrigins.join(' ') : "'none'";
  const { 'x-frame-options': _never, ...others } = DATA_HEADERS;
  const ofFiles: HeaderMap = {
    ...others,
    'content-security-policy': `default-src 'none'; img-src 'self'; object-src 'self'; style-src 'unsafe-inline'; frame-ancestors ${ancestors}`,
    'cross-origin-resource-policy': corsOrigins.length > 0 ? 'cross-origin' : 'same-origin',
  };
  const isHttps = publicUrl?.startsWith('https:') === true;
  return (request, reply) => {
    void reply.headers(request.raw.url?.startsWith('/files/') ? ofFiles : DATA_HEADERS);
    if (isHttps || request.protocol === 'https') void reply.headers(HSTS);
  };
}
