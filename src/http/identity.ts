import { createRemoteJWKSet, errors, jwtVerify, type JWTPayload, type JWTVerifyOptions } from 'jose';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import type { Viewer } from '../access/viewer.js';
import { GatewayError, sourceUnavailable } from '../errors.js';
import { SECOND, type EpochMilliseconds } from '../units.js';

/** Who sent a request, and until when that holds. */
export interface Caller {
  readonly viewer: Viewer;
  /** When the token expires; absent without a token. */
  readonly expiresAt?: EpochMilliseconds;
}

/** Says who sent a request. */
export interface Identity {
  /**
   * @param authorization the header as it arrived
   * @returns an anonymous viewer if there is no header
   * @throws GatewayError UNAUTHENTICATED, saying what is wrong with the token; SOURCE_UNAVAILABLE if keys cannot be had
   */
  callerOf(authorization: string | undefined): Promise<Caller>;
}

export interface IdentityOptions {
  /** How tokens are signed: one secret for all (HS256), or public keys published at a URL. */
  readonly keys: { readonly secret: string } | { readonly jwksUrl: string };
  readonly issuer?: string | undefined;
  readonly audience?: string | undefined;
}

/** The most tokens whose check is remembered. */
const REMEMBERED_TOKENS = 1_000;

const ASYMMETRIC = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'];

const CLAIMS = z.object({
  sub: z.string().min(1).max(256),
  role: z.enum(['operator', 'partner', 'service']),
  partner_id: z.string().min(1).max(256).optional(),
});

export function createIdentity({ keys, issuer, audience }: IdentityOptions): Identity {
  const expected = { ...(issuer !== undefined && { issuer }), ...(audience !== undefined && { audience }) };
  const verify = 'secret' in keys ? verifierOfSecret(keys.secret, expected) : verifierOfJwks(keys.jwksUrl, expected);
  return {
    async callerOf(authorization) {
      if (authorization === undefined) return { viewer: { role: 'anonymous' } };
      const token = /^Bearer +(\S+) *$/i.exec(authorization)?.[1];
      if (token === undefined) throw refused('The header "Authorization" must be "Bearer <token>".');
      const payload = await payloadOf(() => verify(token));
      return { viewer: viewerOfClaims(payload), ...(payload.exp !== undefined && { expiresAt: payload.exp * SECOND }) };
    },
  };
}

type Verifier = (token: string) => Promise<JWTPayload>;

function verifierOfSecret(secret: string, expected: JWTVerifyOptions): Verifier {
  const key = new TextEncoder().encode(secret);
  const verify: Verifier = async (token) =>
    (await jwtVerify(token, key, { ...expected, algorithms: ['HS256'], requiredClaims: ['exp'] })).payload;
  return remembering(verify);
}

/**
 * Checks a token once. Under a secret that never changes, a token that was good stays good until it expires; then, as for
 * any token not seen before, `verify` has the word.
 */
function remembering(verify: Verifier): Verifier {
  const good = new LRUCache<string, JWTPayload>({ max: REMEMBERED_TOKENS });
  return async (token) => {
    const known = good.get(token);
    // RFC 7519 §4.1.4: not on or after `exp`.
    if (known?.exp !== undefined && Math.floor(Date.now() / SECOND) < known.exp) return known;
    const payload = await verify(token);
    good.set(token, payload);
    return payload;
  };
}

function verifierOfJwks(url: string, expected: JWTVerifyOptions): Verifier {
  const keys = createRemoteJWKSet(new URL(url));
  return async (token) =>
    (await jwtVerify(token, keys, { ...expected, algorithms: ASYMMETRIC, requiredClaims: ['exp'] })).payload;
}

async function payloadOf(verify: () => Promise<JWTPayload>): Promise<JWTPayload> {
  try {
    return await verify();
  } catch (error) {
    if (error instanceof errors.JWTExpired) throw refused('The token has expired; get a new one.');
    if (error instanceof errors.JWTClaimValidationFailed) {
      throw refused(`The token's claim "${error.claim}" is missing or not what this gateway expects.`);
    }
    if (isTokenError(error)) throw refused('The token is not valid: it must be a JWT signed for this gateway.');
    throw sourceUnavailable('identity provider', error);
  }
}

/** What is wrong with the token itself; everything else, such as the TypeError of a failed fetch, is trouble with the keys. */
function isTokenError(error: unknown): boolean {
  return (
    error instanceof errors.JWSInvalid ||
    error instanceof errors.JWTInvalid ||
    error instanceof errors.JWSSignatureVerificationFailed ||
    error instanceof errors.JOSEAlgNotAllowed ||
    error instanceof errors.JOSENotSupported ||
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys
  );
}

function viewerOfClaims(payload: JWTPayload): Viewer {
  const claims = CLAIMS.safeParse(payload);
  if (!claims.success) {
    const names = claims.error.issues.map((issue) => `"${issue.path.join('.')}"`).join(', ');
    throw refused(
      `The token's claim ${names} must be: "sub" a text, "role" one of operator, partner, service, "partner_id" a text.`,
    );
  }
  const { sub: subject, role, partner_id: partnerId } = claims.data;
  if (role !== 'partner') return { role, subject };
  if (partnerId === undefined) throw refused('The token\'s claim "partner_id" is missing; a partner\'s token must have it.');
  return { role, subject, partnerId };
}

function refused(message: string): GatewayError {
  return new GatewayError('UNAUTHENTICATED', message);
}
