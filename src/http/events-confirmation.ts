import { GatewayError, quoted, sourceUnavailable } from '../errors.js';
import { SECOND, type Milliseconds } from '../units.js';

const PATIENCE: Milliseconds = 5 * SECOND;
const SNS_HOST = /^sns\.[a-z0-9-]+\.amazonaws\.com(\.cn)?$/;

export type Fetch = (url: URL, init: { redirect: 'error'; signal: AbortSignal }) => Promise<{ readonly ok: boolean }>;

/**
 * Confirms a subscription of SNS by fetching its URL, which must be one of SNS: whoever may announce files must not be able
 * to make the gateway fetch anything else.
 *
 * @throws GatewayError BAD_USER_INPUT for another URL; SOURCE_UNAVAILABLE if SNS does not confirm
 */
export async function confirmSubscription(text: string, fetchUrl: Fetch = fetch): Promise<void> {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !isOfSns(url)) {
    const expected = 'https://sns.<region>.amazonaws.com/?Action=ConfirmSubscription&…';
    throw new GatewayError('BAD_USER_INPUT', `"SubscribeURL" must be ${expected}, but got: ${quoted(text)}`);
  }
  const answer = await fetchUrl(url, { redirect: 'error', signal: AbortSignal.timeout(PATIENCE) }).catch((error: unknown) => {
    throw sourceUnavailable('notification service', error);
  });
  if (!answer.ok) throw sourceUnavailable('notification service', new Error('the subscription was not confirmed'));
}

function isOfSns({ protocol, hostname, port, username, password, searchParams }: URL): boolean {
  const isPlain = protocol === 'https:' && port === '' && username === '' && password === '';
  return isPlain && SNS_HOST.test(hostname) && searchParams.get('Action') === 'ConfirmSubscription';
}
