import type { FastifyBaseLogger } from 'fastify';
import type { Config } from '../config.js';
import { RateLimits } from '../http/rate-limits.js';
import { Ledger } from '../limits/ledger.js';
import { openRedisAccounts } from '../limits/redis-accounts.js';
import type { Metrics } from '../telemetry/metrics.js';
import { systemTime } from '../time.js';
import type { Closing } from './closing.js';

/** What is bounded, shared by all instances that have the same Redis. Nothing is opened where nothing is bounded. */
export function openRateLimits(
  { http, rateLimits, store }: Config,
  metrics: Metrics,
  log: FastifyBaseLogger,
  closing: Closing,
): RateLimits {
  if (http.trustProxy === true) {
    log.warn(
      'TRUST_PROXY=true believes X-Forwarded-* from whoever connects: name the addresses of the proxies, such as TRUST_PROXY=private',
    );
  }
  const isOn = Object.keys(rateLimits).length > 0;
  const shared =
    isOn && store.urls
      ? openRedisAccounts(store.urls, (error) => log.debug({ reason: error.message }, 'rate limits: the store does not answer'))
      : undefined;
  const ledger = new Ledger(systemTime, shared);
  closing.push(() => {
    ledger.close();
    shared?.close();
  });
  return new RateLimits(ledger, rateLimits, metrics);
}
