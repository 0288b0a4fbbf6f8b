import { createHash, timingSafeEqual } from 'node:crypto';
import { authorise } from '../access/policy.js';
import type { Role } from '../access/viewer.js';
import { GatewayError } from '../errors.js';
import type { Identity } from './identity.js';

/**
 * Checks who sends events of the store: somebody with one of `secrets`, as Bearer token or as the password of Basic
 * authentication (the user's name is free), or with a token whose role may announce files.
 *
 * @param authorization the header as it arrived
 * @returns the role to act in
 * @throws GatewayError UNAUTHENTICATED, FORBIDDEN, SOURCE_UNAVAILABLE
 */
export async function roleOfSender(
  authorization: string | undefined,
  secrets: readonly string[],
  identity: Pick<Identity, 'callerOf'>,
): Promise<Role> {
  const given = secretOf(authorization);
  if (given !== undefined && secrets.map((secret) => sameSecret(given, secret)).includes(true)) return 'service';
  if (/^Basic /i.test(authorization ?? '')) throw new GatewayError('UNAUTHENTICATED', 'The password is not right.');
  const { viewer } = await identity.callerOf(authorization);
  authorise(viewer, 'announce-files');
  return viewer.role;
}

function secretOf(authorization = ''): string | undefined {
  const [, scheme = '', value = ''] = /^(Basic|Bearer) +(\S+) *$/i.exec(authorization) ?? [];
  if (scheme.toLowerCase() !== 'basic') return value || undefined;
  const [, password] = /^[^:]*:(.*)$/s.exec(Buffer.from(value, 'base64').toString()) ?? [];
  return password;
}

/** In a time that tells nothing of either, their lengths included. */
function sameSecret(a: string, b: string): boolean {
  return timingSafeEqual(digest(a), digest(b));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
