import type { EventEmitter } from 'node:events';
import type { FastifyBaseLogger } from 'fastify';
import type { Operations } from '../graphql/operations.js';
import type { Metrics } from '../telemetry/metrics.js';
import type { Time } from '../time.js';
import { SECOND, type Milliseconds } from '../units.js';
import type { LiveConnections } from './connections.js';
import type { RateLimits } from './rate-limits.js';
import type { Sessions } from './sessions.js';

/** What both transports of subscriptions work with. */
export interface LiveDeps {
  readonly operations: Operations;
  readonly sessions: Pick<Sessions, 'asker' | 'callerOf' | 'callerBy'>;
  readonly connections: LiveConnections;
  readonly metrics: Pick<Metrics, 'liveSubscriptions' | 'liveEvent' | 'liveDropped'>;
  readonly rates: RateLimits;
  readonly time: Time;
  readonly log: FastifyBaseLogger;
}

/** How long a client that is sent away has to take its last message. */
const LAST_WORDS: Milliseconds = 5 * SECOND;

/** Cuts a connection that was told to end and does not. */
export function cutLater(connection: Pick<EventEmitter, 'once'>, time: Time, cut: () => void): void {
  connection.once('close', time.after(LAST_WORDS, cut));
}

export const TOO_SLOW = 'The client is too slow for its subscriptions; connect again, then query again.';
export const EXPIRED = 'The token has expired; connect again with a new one.';
