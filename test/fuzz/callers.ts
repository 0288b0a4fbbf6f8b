import { MINUTE } from '../../src/units.js';
import { tokenFor } from '../support/tokens.js';
import type { Ground } from './probe.js';

/** A secret that the gateway knows senders of the store's events by. */
export const EVENTS_SECRET = 'a secret of the store, longer than 32 bytes';

/** Callers of every kind. The good ones outlast any run. */
export async function allCredentials(): Promise<Ground['credentials']> {
  const long = { expiresIn: 24 * 60 * MINUTE };
  const [operator, partner, service, expired, foreign, stranger] = await Promise.all([
    tokenFor({ role: 'operator' }, long),
    tokenFor({ role: 'partner', partnerId: 'partner-a' }, long),
    tokenFor({ role: 'service' }, long),
    tokenFor({ role: 'operator' }, { expiresIn: -60 * MINUTE }),
    tokenFor({ role: 'operator' }, { ...long, secret: 'a secret that nobody has agreed upon' }),
    tokenFor({ role: 'admin' }, long),
  ]);
  return [
    { name: 'anonymous', value: undefined },
    { name: 'operator', value: `Bearer ${operator}` },
    { name: 'operator', value: `Bearer ${operator}` },
    { name: 'operator', value: `Bearer ${operator}` },
    { name: 'partner', value: `Bearer ${partner}` },
    { name: 'partner', value: `Bearer ${partner}` },
    { name: 'service', value: `Bearer ${service}` },
    { name: 'service', value: `Bearer ${service}` },
    { name: 'the store', value: `Bearer ${EVENTS_SECRET}` },
    { name: 'the store', value: `Basic ${Buffer.from(`s3:${EVENTS_SECRET}`).toString('base64')}` },
    { name: 'expired', value: `Bearer ${expired}` },
    { name: 'of another secret', value: `Bearer ${foreign}` },
    { name: 'of no role', value: `Bearer ${stranger}` },
  ];
}
