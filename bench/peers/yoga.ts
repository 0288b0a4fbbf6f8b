import { createServer } from 'node:http';
import { useResponseCache } from '@graphql-yoga/plugin-response-cache';
import { createSchema, createYoga } from 'graphql-yoga';
import { SECOND } from '../../src/units.js';
import { TTL_SECONDS, typeDefs, type PeerPlant } from './plant.js';
import { STATEMENTS_PATH } from './route.js';

/** Yoga keeps whole answers in its memory, and drops those that hold an entity which a mutation answered. */
export async function yoga(plant: PeerPlant, port: number): Promise<void> {
  const handler = createYoga({
    schema: createSchema({ typeDefs, resolvers: plant.resolvers() }),
    context: ({ request }) => plant.contextOf(request.headers.get('authorization')),
    logging: 'error',
    landingPage: false,
    plugins: [
      useResponseCache({
        ttl: TTL_SECONDS * SECOND,
        // An answer out of the cache makes no context: who asks is checked here.
        session: async (request) => (await plant.viewerOf(request.headers.get('authorization'))).role,
      }),
    ],
  });
  const server = createServer((request, response) => {
    if (request.url === STATEMENTS_PATH) response.end(String(plant.statements));
    else void handler(request, response);
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
}
