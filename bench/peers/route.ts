import type { FastifyInstance } from 'fastify';
import type { PeerPlant } from './plant.js';

/** Where the bench reads how many statements a peer has sent; also tells that it is ready. */
export const STATEMENTS_PATH = '/statements';

export function statementsRoute(app: Pick<FastifyInstance, 'get'>, plant: PeerPlant): void {
  app.get(STATEMENTS_PATH, () => String(plant.statements));
}
