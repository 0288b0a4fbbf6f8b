import type { FastifyPluginCallback } from 'fastify';
import { GatewayError } from '../errors.js';
import type { Metrics } from '../telemetry/metrics.js';
import { authorizationOf } from './identity.js';
import { isOneOf } from './same-secret.js';

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
  /** One of them opens `/metrics`, as Bearer token. Absent: nobody needs one. */
  readonly metricsSecrets?: readonly string[] | undefined;
}

/** `/healthz`: the process lives. `/readyz`: it can serve, else 503. `/metrics`: Prometheus. */
export const healthRoutes: FastifyPluginCallback<HealthDeps> = (app, { readiness, metrics, metricsSecrets }, done) => {
  app.get('/healthz', () => ({ status: 'ok' }));
  app.get('/readyz', async (_request, reply) => {
    const state = await readiness();
    return reply.code(state.ready ? 200 : 503).send({ status: state.ready ? 'ready' : 'not ready', ...state.parts });
  });
  app.get('/metrics', async (request, reply) => {
    if (metricsSecrets) checkSecret(authorizationOf(request.raw), metricsSecrets);
    const { contentType, body } = await metrics.text();
    return reply.type(contentType).send(body);
  });
  done();
};

/** @throws GatewayError UNAUTHENTICATED */
function checkSecret(authorization: string | undefined, secrets: readonly string[]): void {
  const [, given] = /^Bearer +(\S+) *$/i.exec(authorization ?? '') ?? [];
  if (given !== undefined && isOneOf(secrets, given)) return;
  throw new GatewayError('UNAUTHENTICATED', 'This needs a secret of the metrics: "Authorization: Bearer <secret>".');
}
