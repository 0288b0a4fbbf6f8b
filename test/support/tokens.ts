import { SignJWT } from 'jose';
import { HOUR, SECOND, type Milliseconds } from '../../src/units.js';

/** The secret of AUTH_JWT_SECRET that `startGateway` sets and `tokenFor` signs with. */
export const TEST_SECRET = 'a secret of the tests, longer than 32 bytes';

export interface Caller {
  readonly role: string;
  readonly partnerId?: string;
  readonly sub?: string;
}

export interface TokenOverrides {
  /** In place of, or besides, the claims made of the caller; `undefined` leaves one out. */
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly secret?: string;
  /** Negative: expired already. Default: an hour. */
  readonly expiresIn?: Milliseconds;
}

/** A token (HS256) that a gateway of `startGateway` accepts, unless the overrides make it a bad one. */
export function tokenFor({ role, partnerId, sub = `test-${role}` }: Caller, overrides: TokenOverrides = {}): Promise<string> {
  const { claims, secret = TEST_SECRET, expiresIn = HOUR } = overrides;
  const now = Math.floor(Date.now() / SECOND);
  return new SignJWT({ sub, role, partner_id: partnerId, iat: now, exp: now + Math.floor(expiresIn / SECOND), ...claims })
    .setProtectedHeader({ alg: 'HS256' })
    .sign(new TextEncoder().encode(secret));
}
