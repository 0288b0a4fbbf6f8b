import { SignJWT } from 'jose';
import type { DemoIdentity } from '../graphql/landing-page.js';

const CLAIMS = [
  { label: 'Operator', claims: { sub: 'demo-operator', role: 'operator' } },
  { label: 'Partner A', claims: { sub: 'demo-partner-a', role: 'partner', partner_id: 'partner-a' } },
  { label: 'Partner B', claims: { sub: 'demo-partner-b', role: 'partner', partner_id: 'partner-b' } },
];

/** Tokens for an operator and two partners of the demo plant, good for 30 days. */
export function demoTokens(secret: string): Promise<DemoIdentity[]> {
  const key = new TextEncoder().encode(secret);
  return Promise.all(
    CLAIMS.map(async ({ label, claims }) => ({
      label,
      token: await new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).setIssuedAt().setExpirationTime('30d').sign(key),
    })),
  );
}
