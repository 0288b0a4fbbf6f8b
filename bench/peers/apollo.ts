import { ApolloServer, type ApolloServerPlugin } from '@apollo/server';
import { ApolloServerPluginCacheControlDisabled, ApolloServerPluginUsageReportingDisabled } from '@apollo/server/plugin/disabled';
import responseCachePlugin from '@apollo/server-plugin-response-cache';
import { KeyvAdapter } from '@apollo/utils.keyvadapter';
import { fastifyApolloHandler } from '@as-integrations/fastify';
import KeyvRedis from '@keyv/redis';
import { createClient } from '@redis/client';
import fastify, { type FastifyRequest } from 'fastify';
import { Keyv } from 'keyv';
import { HOUR, MINUTE } from '../../src/units.js';
import { TTL_SECONDS, typeDefs, type Connection, type Hooks, type PeerContext, type PeerPlant } from './plant.js';
import { statementsRoute } from './route.js';

type Plugins = ApolloServerPlugin<PeerContext>[];

async function listen(plant: PeerPlant, port: number, plugins: Plugins, hooks: Hooks = {}): Promise<void> {
  const apollo = new ApolloServer<PeerContext>({
    typeDefs,
    resolvers: plant.resolvers(hooks),
    plugins: [ApolloServerPluginUsageReportingDisabled(), ...plugins],
  });
  await apollo.start();
  const app = fastify();
  statementsRoute(app, plant);
  const context = ({ headers }: FastifyRequest) => plant.contextOf(headers.authorization);
  app.route({ method: ['GET', 'POST'], url: '/graphql', handler: fastifyApolloHandler(apollo, { context }) });
  await app.listen({ port, host: '127.0.0.1' });
}

/** Apollo Server alone; without its cacheControl plugin, which slows long lists down and has no use here. */
export function apollo(plant: PeerPlant, port: number): Promise<void> {
  return listen(plant, port, [ApolloServerPluginCacheControlDisabled()]);
}

/** Whole answers by operation, variables and session in Redis, for the time that `@cacheControl` says. It has no invalidation. */
export function apolloResponseCache(plant: PeerPlant, port: number, redisUrl: string): Promise<void> {
  const keyv = new Keyv<string>({ store: new KeyvRedis(redisUrl) });
  // The adapter is typed for another release of Keyv.
  const cache = new KeyvAdapter<string>(keyv as unknown as ConstructorParameters<typeof KeyvAdapter<string>>[0]);
  const plugin = responseCachePlugin<PeerContext>({
    cache,
    sessionId: ({ contextValue }) => Promise.resolve(contextValue.viewer.role),
  });
  return listen(plant, port, [plugin]);
}

/** What many projects write by hand: read Redis, else load and write it; after a change delete the window that holds the order. */
export async function apolloCacheAside(plant: PeerPlant, port: number, redisUrl: string): Promise<void> {
  const redis = createClient({ url: redisUrl });
  await redis.connect();
  const keyOf = (from: number, window: number): string => `orders:${from}:${window}`;
  await listen(plant, port, [ApolloServerPluginCacheControlDisabled()], {
    read: async ({ createdBy, window }, load) => {
      const key = keyOf(createdBy, window);
      const found = await redis.get(key);
      if (found !== null) return JSON.parse(found) as Connection;
      const loaded = await load();
      await redis.set(key, JSON.stringify(loaded), { expiration: { type: 'EX', value: TTL_SECONDS } });
      return loaded;
    },
    changed: ({ createdAt }) => redis.del(keyOf(Math.floor(createdAt / HOUR) * HOUR, HOUR / MINUTE)),
  });
}
