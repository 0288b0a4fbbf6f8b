import type { IncomingMessage } from 'node:http';
import { jwtVerify, type JWTHeaderParameters, type JWTPayload, type JWTVerifyOptions, type JWTVerifyResult } from 'jose';
import { LRUCache } from 'lru-cache';
import type { Viewer } from '../access/viewer.js';
import { GatewayError, sourceUnavailable } from '../errors.js';
import { systemTime, type Time } from '../time.js';
import { SECOND, type EpochMilliseconds, type Milliseconds } from '../units.js';
import { claimProblem, refusalOf, refused, viewerOfClaims } from './identity-claims.js';
import { PublishedKeys } from './identity-keys.js';

/** Who sent a request, and until when that holds. */
export interface Caller {
  readonly viewer: Viewer;
  /** When the token is not accepted any more; absent without a token. */
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
  /** How far the clock of whoever signs may differ from this one; it counts for `exp`, `nbf` and `iat` alike. */
  readonly clockTolerance?: Milliseconds;
  /** Whether operators may only read, whatever their tokens say. */
  readonly operatorsReadOnly?: boolean;
  readonly time?: Time;
}

/** The most tokens whose check is remembered. */
const REMEMBERED_TOKENS = 1_000;
/** Longer ones are not even looked at. An HTTP header could not be much longer, a message by WebSocket could. */
const TOKEN_MAX = 8_192;

const ASYMMETRIC = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'];

/** RFC 7519 §5.1 and RFC 9068 §2.1; anything else was signed for another purpose (RFC 8725 §3.11). */
const TYPES: readonly unknown[] = [undefined, 'jwt', 'application/jwt', 'at+jwt', 'application/at+jwt'];

export function createIdentity(options: IdentityOptions): Identity {
  const { clockTolerance = 0, operatorsReadOnly = false, time = systemTime } = options;
  const verify = verifierOf(options, time);
  return {
    async callerOf(authorization) {
      if (authorization === undefined) return { viewer: { role: 'anonymous' } };
      const payload = await verify(tokenIn(authorization)).catch((error: unknown) => {
        throw error instanceof GatewayError ? error : (refusalOf(error) ?? sourceUnavailable('identity provider', error));
      });
      const viewer = viewerOfClaims(payload, operatorsReadOnly);
      return { viewer, ...(payload.exp !== undefined && { expiresAt: payload.exp * SECOND + clockTolerance }) };
    },
  };
}

/**
 * The header that says who sends `message`; credentials in any other place, such as the query of its URL, do not count.
 * @throws GatewayError BAD_USER_INPUT if it comes twice: Node keeps the first, a proxy may have judged the last
 */
export function authorizationOf({ headers, rawHeaders }: Pick<IncomingMessage, 'headers' | 'rawHeaders'>): string | undefined {
  const count = rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === 'authorization').length;
  if (count > 1) throw new GatewayError('BAD_USER_INPUT', 'The header "Authorization" must come once.');
  return headers.authorization;
}

function tokenIn(authorization: string): string {
  if (authorization.length > TOKEN_MAX) throw refused(`The token must have at most ${TOKEN_MAX} characters.`);
  const token = /^Bearer +(\S+) *$/i.exec(authorization)?.[1];
  if (token === undefined) throw refused('The header "Authorization" must be "Bearer <token>".');
  return token;
}

type Verifier = (token: string) => Promise<JWTPayload>;

/** The algorithms follow from what is configured, never from the token; keys that a token brings along are not looked at. */
function verifierOf({ keys, issuer, audience, clockTolerance = 0 }: IdentityOptions, time: Time): Verifier {
  const options = (algorithms: string[]): JWTVerifyOptions => ({
    ...(issuer !== undefined && { issuer }),
    ...(audience !== undefined && { audience }),
    algorithms,
    requiredClaims: ['exp'],
    clockTolerance: clockTolerance / SECOND,
    currentDate: new Date(time.now()),
  });
  const checked = (verified: JWTVerifyResult) => checkedPayload(verified, time.now() + clockTolerance);
  if ('jwksUrl' in keys) {
    const published = new PublishedKeys(keys.jwksUrl, time);
    return async (token) => checked(await jwtVerify(token, published.find, options(ASYMMETRIC)));
  }
  const secret = new TextEncoder().encode(keys.secret);
  return remembering(async (token) => checked(await jwtVerify(token, secret, options(['HS256']))), clockTolerance, time);
}

/** What jose leaves to its users: the type, and a time of issue in the future. */
function checkedPayload(
  { payload, protectedHeader }: { payload: JWTPayload; protectedHeader: JWTHeaderParameters },
  latest: EpochMilliseconds,
): JWTPayload {
  if (!TYPES.includes(protectedHeader.typ?.toLowerCase())) {
    throw refused('The token\'s header "typ" must be "JWT" or "at+jwt", or absent.');
  }
  if (payload.iat !== undefined && payload.iat * SECOND > latest) throw refused(claimProblem('iat', payload));
  return payload;
}

/**
 * Checks a token once. Under a secret that never changes, a token that was good stays good until it expires; then, as for
 * any token not seen before, `verify` has the word.
 */
function remembering(verify: Verifier, clockTolerance: Milliseconds, { now }: Time): Verifier {
  const good = new LRUCache<string, JWTPayload>({ max: REMEMBERED_TOKENS });
  return async (token) => {
    const known = good.get(token);
    // RFC 7519 §4.1.4: not on or after `exp`.
    if (known?.exp !== undefined && now() < known.exp * SECOND + clockTolerance) return known;
    const payload = await verify(token);
    good.set(token, payload);
    return payload;
  };
}
