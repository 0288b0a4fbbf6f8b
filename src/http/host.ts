import type { IncomingMessage } from 'node:http';
import { isIPv6 } from 'node:net';
import { GatewayError } from '../errors.js';
import type { Trusts } from './client-address.js';

const HOST = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:\d{1,5})?$/i;
const LOOPBACK_HOST = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?$/i;

/** HTTP/1.0 need not name a host: it is then the address that was reached, as a URL can have it. */
export function nameHost({ headers, httpVersion, socket }: IncomingMessage): void {
  if (httpVersion !== '1.0' || headers.host !== undefined) return;
  const { localAddress = '', localPort } = socket;
  headers.host = `${isIPv6(localAddress) ? `[${localAddress}]` : localAddress}:${localPort}`;
}

/** What is wrong with the header "Host". `loopbackOnly`: it must name this machine, so that no foreign page reaches a demo by DNS. */
export function hostProblem({ headers, rawHeaders, url }: IncomingMessage, loopbackOnly: boolean): GatewayError | undefined {
  const host = headers.host ?? '';
  if (hostCount(rawHeaders) > 1) return new GatewayError('BAD_USER_INPUT', 'The header "Host" must come once.');
  if (!isHost(host)) return new GatewayError('BAD_USER_INPUT', 'The header "Host" must be a name or an address.');
  if (!agrees(url, host)) {
    return new GatewayError('BAD_USER_INPUT', 'The target of the request and the header "Host" must name the same host.');
  }
  if (!loopbackOnly || LOOPBACK_HOST.test(host)) return undefined;
  return new GatewayError('FORBIDDEN', 'This is a demo: the header "Host" must be localhost or 127.0.0.1.');
}

/** Where a target names a host, that one counts (RFC 9112 §3.2.2); nothing behind this line has to know, as both are the same. */
function agrees(target: string | undefined, host: string): boolean {
  if (target === undefined || target.startsWith('/') || target === '*') return true;
  const [, authority] = /^https?:\/\/([^/?#]*)/i.exec(target) ?? [];
  return authority?.toLowerCase() === host.toLowerCase();
}

/** What is wrong with what a trusted proxy says that the client has asked for: it becomes part of the URLs of files. */
export function forwardedProblem({ headers, socket }: IncomingMessage, trusts: Trusts): GatewayError | undefined {
  const [host, scheme] = [lastOf(headers['x-forwarded-host']), lastOf(headers['x-forwarded-proto'])];
  if ((host === undefined && scheme === undefined) || !trusts(socket.remoteAddress)) return undefined;
  if (host !== undefined && !isHost(host)) {
    return new GatewayError('BAD_USER_INPUT', 'The header "X-Forwarded-Host" must be a name or an address.');
  }
  if (scheme === undefined || scheme === 'http' || scheme === 'https') return undefined;
  return new GatewayError('BAD_USER_INPUT', 'The header "X-Forwarded-Proto" must be http or https.');
}

/** Whether a URL can have it: `127.0.0.0.1` is neither a name nor an address, and no port is above 65535. */
function isHost(text: string): boolean {
  return HOST.test(text) && URL.canParse(`http://${text}`);
}

/** Node keeps the first and says nothing of others; RFC 9112 §3.2 has them refused. */
function hostCount(rawHeaders: readonly string[]): number {
  return rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === 'host').length;
}

/** Scheme and host as the client named them; as Fastify's `protocol` and `host`, for requests that never reach Fastify. */
export function baseOfUpgrade({ headers, socket }: IncomingMessage, trusts: Trusts): string {
  const isTrusted = trusts(socket.remoteAddress);
  const forwarded = (name: string) => (isTrusted ? lastOf(headers[name]) : undefined);
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
