import { makeExecutableSchema } from '@graphql-tools/schema';
import fastify, { type FastifyPluginAsync } from 'fastify';
import mercurius from 'mercurius';
import mercuriusCache, { type MercuriusCacheOptions } from 'mercurius-cache';
import { TTL_SECONDS, typeDefs, type Connection, type PeerPlant } from './plant.js';
import { statementsRoute } from './route.js';

/** Mercurius with compiled queries; its cache keeps what the field `orders` resolves to, and is told which orders changed. */
export async function mercuriusJit(plant: PeerPlant, port: number): Promise<void> {
  const app = fastify();
  statementsRoute(app, plant);
  const reference = ({ id }: { id: string }): string => `order:${id}`;
  const changed = async (order: { id: string }): Promise<void> => {
    // The package declares no result, but it answers a promise; who does not wait for it acknowledges too early.
    await (app.graphql.cache?.invalidate([reference(order)]) as unknown as Promise<void>);
  };
  await app.register(mercurius.default, {
    schema: makeExecutableSchema({ typeDefs, resolvers: plant.resolvers({ changed }) }),
    jit: 1,
    context: ({ headers }) => plant.contextOf(headers.authorization),
  });
  // Typed as a module with a default, it is the plugin itself.
  await app.register(mercuriusCache as unknown as FastifyPluginAsync<MercuriusCacheOptions>, {
    ttl: TTL_SECONDS,
    storage: { type: 'memory', options: { size: 2_048, invalidation: true } },
    policy: {
      Query: {
        orders: { references: (_request: unknown, _key: string, result: Connection) => result.nodes.map(reference) },
      },
    },
  });
  await app.listen({ port, host: '127.0.0.1' });
}
