import { GatewayError } from '../errors.js';

/**
 * A browser opens a WebSocket to any site without asking it first, and names the page's origin; other clients name none.
 * A page must come from the gateway's own host, or from an origin that may call it anyway.
 * @param origin the header
 * @param bases where clients reach the gateway: scheme and host
 */
export function originProblem(
  origin: string | undefined,
  bases: readonly string[],
  corsOrigins: readonly string[],
): GatewayError | undefined {
  if (origin === undefined || corsOrigins.includes(origin)) return undefined;
  const host = hostOf(origin);
  if (host !== undefined && bases.some((base) => hostOf(base) === host)) return undefined;
  return new GatewayError('FORBIDDEN', 'Pages of this origin may not open a WebSocket; CORS_ORIGINS names those that may.');
}

function hostOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).host : undefined;
}
