import type { ApolloServer } from '@apollo/server';
import type { FastifyBaseLogger } from 'fastify';
import type { GraphQLSchema } from 'graphql';
import type { Outcome } from '../cache/outcome.js';
import type { ChangeSignals } from '../changes/position.js';
import type { Config } from '../config.js';
import { sourceUnavailable } from '../errors.js';
import type { Admission } from '../graphql/admission.js';
import type { Context } from '../graphql/context.js';
import { Operations } from '../graphql/operations.js';
import { LiveConnections } from '../http/connections.js';
import type { RateLimits } from '../http/rate-limits.js';
import type { ServerOptions } from '../http/server.js';
import type { Sessions } from '../http/sessions.js';
import { LiveOrders } from '../live/live-orders.js';
import { SharedStreams } from '../live/shared-streams.js';
import type { Caches } from '../loaders/caches.js';
import type { Order } from '../orders/order.js';
import type { Metrics } from '../telemetry/metrics.js';
import { systemTime } from '../time.js';

/** Answers that need not have the change that an event is about. */
const PERHAPS_OLD: readonly Outcome[] = ['reused', 'stale'];

/** What subscriptions are told of. */
export function openLiveOrders(signals: ChangeSignals, caches: Pick<Caches, 'orders'>, metrics: Metrics): LiveOrders {
  const load = async (ids: readonly string[]): Promise<(Order | null)[]> => {
    const answers = await caches.orders.readMany(ids, metrics);
    if (answers.some(({ outcome }) => PERHAPS_OLD.includes(outcome))) throw sourceUnavailable('order database');
    return answers.map(({ value }) => value);
  };
  return new LiveOrders({ signals, load, time: systemTime });
}

export interface LiveParts {
  readonly apollo: ApolloServer<Context>;
  readonly schema: GraphQLSchema;
  readonly admission: Admission;
  readonly sessions: Sessions;
  readonly metrics: Metrics;
  readonly rates: RateLimits;
}

/** What the transports of subscriptions work with. */
export function openLive(
  { http, operations: exposure }: Config,
  { apollo, schema, admission, sessions, metrics, rates }: LiveParts,
  log: FastifyBaseLogger,
): ServerOptions['live'] {
  return {
    operations: new Operations({ apollo, schema, streams: new SharedStreams(), admission, exposure }),
    sessions,
    connections: new LiveConnections(http.liveConnectionsMax, metrics, systemTime),
    metrics,
    rates,
    time: systemTime,
    log,
    schema,
    publicUrl: http.publicUrl,
  };
}
