import { errors, type JWTPayload } from 'jose';
import { z } from 'zod';
import type { Viewer } from '../access/viewer.js';
import { GatewayError } from '../errors.js';

/** No half characters, which no URL can spell, and no control characters, which no database can hold. */
const name = z
  .string()
  .min(1)
  .max(256)
  .regex(/^[^\p{Cs}\p{Cc}]*$/u);

const CLAIMS = z.object({
  sub: name,
  role: z.enum(['operator', 'partner', 'service']),
  partner_id: name.optional(),
  read_only: z.boolean().optional(),
});

/** What each claim must be, in words that give away nothing of what this gateway expects. */
const EXPECTED: Readonly<Record<string, string>> = {
  sub: 'must be a text of 1 to 256 characters, without control characters',
  role: 'must be one of operator, partner, service',
  partner_id: 'must be a text of 1 to 256 characters, without control characters',
  read_only: 'must be true or false',
  iss: 'must be the issuer whose tokens this gateway accepts',
  aud: 'must name this gateway',
  exp: 'must be the time when the token expires, in seconds since 1970',
  nbf: 'must be a time in seconds since 1970 that is not in the future',
  iat: 'must be a time in seconds since 1970 that is not in the future',
};

/** @throws GatewayError UNAUTHENTICATED, naming each claim that is wrong and what it must be */
export function viewerOfClaims(payload: JWTPayload, operatorsReadOnly: boolean): Viewer {
  const parsed = CLAIMS.safeParse(payload);
  if (!parsed.success) throw refused(parsed.error.issues.map((issue) => claimProblem(String(issue.path[0]), payload)).join(' '));
  const { sub: subject, role, partner_id: partnerId, read_only: readOnly = false } = parsed.data;
  const person = { subject, ...((readOnly || (operatorsReadOnly && role === 'operator')) && { readOnly: true as const }) };
  if (role !== 'partner') return { role, ...person };
  if (partnerId === undefined) throw refused(`${claimProblem('partner_id', payload)} A partner's token must have it.`);
  return { role, partnerId, ...person };
}

/** A refusal that says of the token only what its holder may know. */
export function refused(message: string): GatewayError {
  return new GatewayError('UNAUTHENTICATED', message);
}

/** What is wrong with the token itself; `undefined`: nothing, there is trouble with the keys. */
export function refusalOf(error: unknown): GatewayError | undefined {
  if (error instanceof errors.JWTExpired) return refused('The token has expired; get a new one.');
  if (error instanceof errors.JWTClaimValidationFailed) return refused(claimProblem(error.claim, error.payload));
  if (error instanceof errors.JWKSMultipleMatchingKeys) {
    return refused('The token must name its key in the header "kid": several of the published keys could be meant.');
  }
  if (!TOKEN_ERRORS.some((kind) => error instanceof kind)) return undefined;
  return refused('The token is not valid: it must be a JWT signed for this gateway.');
}

const TOKEN_ERRORS = [
  errors.JWSInvalid,
  errors.JWTInvalid,
  errors.JWSSignatureVerificationFailed,
  errors.JOSEAlgNotAllowed,
  errors.JOSENotSupported,
  errors.JWKSNoMatchingKey,
];

/** What is wrong with a claim, without repeating it. */
export function claimProblem(claim: string, payload: JWTPayload): string {
  const missing = Object.hasOwn(payload, claim) ? '' : 'is missing; it ';
  return `The token's claim "${claim}" ${missing}${EXPECTED[claim] ?? 'must be what this gateway expects'}.`;
}
