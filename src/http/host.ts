import type { IncomingMessage } from 'node:http';
import { GatewayError } from '../errors.js';

const HOST = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:\d{1,5})?$/i;
const LOOPBACK_HOST = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?$/i;

/** What is wrong with the header "Host". `loopbackOnly`: it must name this machine, so that no foreign page reaches a demo by DNS. */
export function hostProblem({ headers, rawHeaders }: IncomingMessage, loopbackOnly: boolean): GatewayError | undefined {
  const host = headers.host ?? '';
  if (hostCount(rawHeaders) > 1) return new GatewayError('BAD_USER_INPUT', 'The header "Host" must come once.');
  if (!HOST.test(host)) return new GatewayError('BAD_USER_INPUT', 'The header "Host" must be a name or an address.');
  if (!loopbackOnly || LOOPBACK_HOST.test(host)) return undefined;
  return new GatewayError('FORBIDDEN', 'This is a demo: the header "Host" must be localhost or 127.0.0.1.');
}

/** Node keeps the first and says nothing of others; RFC 9112 §3.2 has them refused. */
function hostCount(rawHeaders: readonly string[]): number {
  return rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === 'host').length;
}

/** Scheme and host as the client named them; as Fastify's `protocol` and `host`, for requests that never reach Fastify. */
export function baseOfUpgrade({ headers }: IncomingMessage, trustProxy: boolean): string {
  const forwarded = (name: string) => (trustProxy ? lastOf(headers[name]) : undefined);
  return `${forwarded('x-forwarded-proto') ?? 'http'}://${forwarded('x-forwarded-host') ?? headers.host ?? ''}`;
}

function lastOf(header: string | string[] | undefined): string | undefined {
  return (
    String(header ?? '')
      .split(',')
      .at(-1)
      ?.trim() || undefined
  );
}
