import { authorise } from '../access/policy.js';
import type { Viewer } from '../access/viewer.js';
import { GatewayError } from '../errors.js';
import { isOneOf } from './same-secret.js';

const NEEDED =
  'This needs a secret of the events as Bearer token or as the password of Basic authentication, or a token of the role service or operator.';

/** Whoever has the secret of the events. */
const STORE: Viewer = { role: 'service', subject: 'events of the file store' };

/**
 * Checks who sends events of the store: somebody with one of `secrets`, as Bearer token or as the password of Basic
 * authentication (the user's name is free), or with a token whose role may announce files.
 *
 * @param authorization the header as it arrived
 * @param byToken who it is by a token
 * @returns in whose name the events are taken
 * @throws GatewayError UNAUTHENTICATED, FORBIDDEN, SOURCE_UNAVAILABLE
 */
export async function senderOf(
  authorization: string | undefined,
  secrets: readonly string[],
  byToken: () => Promise<Viewer>,
): Promise<Viewer> {
  const given = secretOf(authorization);
  if (given !== undefined && isOneOf(secrets, given)) return STORE;
  if (/^Basic /i.test(authorization ?? '')) throw new GatewayError('UNAUTHENTICATED', 'The password is not right.');
  const viewer = await byToken().catch((error: unknown) => {
    if (error instanceof GatewayError && error.code === 'UNAUTHENTICATED') throw new GatewayError('UNAUTHENTICATED', NEEDED);
    throw error;
  });
  authorise(viewer, 'announce-files');
  return viewer;
}

function secretOf(authorization = ''): string | undefined {
  const [, scheme = '', value = ''] = /^(Basic|Bearer) +(\S+) *$/i.exec(authorization) ?? [];
  if (scheme.toLowerCase() !== 'basic') return value || undefined;
  const [, password] = /^[^:]*:(.*)$/s.exec(Buffer.from(value, 'base64').toString()) ?? [];
  return password;
}
