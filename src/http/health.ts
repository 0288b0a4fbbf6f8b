import type { FastifyPluginCallback } from 'fastify';
import type { Metrics } from '../telemetry/metrics.js';

/** What the gateway needs, and whether it has it now. */
export interface Readiness {
  /** Whether requests can be served; a part may be missing all the same. */
  readonly ready: boolean;
  /** Part → `ok`, or what is wrong, in words for an operator. */
  readonly parts: Readonly<Record<string, string>>;
}

export interface HealthDeps {
  readonly readiness: () => Promise<Readiness>;
  readonly metrics: Pick<Metrics, 'text'>;
}

/** `/healthz`: the process lives. `/readyz`: it can serve, else 503. `/metrics`: Prometheus. None needs a token. */
export const healthRoutes: FastifyPluginCallback<HealthDeps> = (app, { readiness, metrics }, done) => {
  app.get('/healthz', () => ({ status: 'ok' }));
  app.get('/readyz', async (_request, reply) => {
    const state = await readiness();
    return reply.code(state.ready ? 200 : 503).send({ status: state.ready ? 'ready' : 'not ready', ...state.parts });
  });
  app.get('/metrics', async (_request, reply) => {
    const { contentType, body } = await metrics.text();
    return reply.type(contentType).send(body);
  });
  done();
};
