import { GatewayError, sourceUnavailable } from '../errors.js';

/** Events may have been missed, for a while without database, store or feed. */
export function interrupted(cause?: unknown): GatewayError {
  return new GatewayError('SOURCE_UNAVAILABLE', 'Events may have been missed; subscribe again, then query again.', { cause });
}

/** So much has changed at once that reading it again is cheaper than being told. */
export function tooManyChanges(): GatewayError {
  return new GatewayError(
    'SOURCE_UNAVAILABLE',
    'More orders have changed at once than can be told one by one; subscribe again, then query again.',
  );
}

export function feedIsOff(): GatewayError {
  return new GatewayError(
    'SOURCE_UNAVAILABLE',
    'Subscriptions need the feed of changes, but this gateway runs with CHANGE_FEED=off; queries and mutations work.',
  );
}

export function feedIsSilent(cause?: unknown): GatewayError {
  return sourceUnavailable('feed of changes', cause);
}
