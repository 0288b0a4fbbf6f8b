import { startGateway, type GatewayProcess } from '../../test/support/gateway.js';
import { tokenFor } from '../../test/support/tokens.js';
import { DAY } from '../../src/units.js';

/** Values of `/metrics` by name and labels as they are printed. */
export async function metricsOf(gateway: Pick<GatewayProcess, 'get'>): Promise<ReadonlyMap<string, number>> {
  const text = await (await gateway.get('/metrics')).text();
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(' ');
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }),
  );
}

/** A token that lasts as long as any run. */
export function operatorToken(): Promise<string> {
  return tokenFor({ role: 'operator' }, { expiresIn: DAY });
}

/** The gateway as it is shipped, at its default settings but for `env`. */
export function startOurs(
  databaseUrl: string,
  redisUrl: string | undefined,
  env: Record<string, string> = {},
): Promise<GatewayProcess> {
  return startGateway({
    NODE_ENV: 'production',
    MES_DATABASE_URL: databaseUrl,
    ...(redisUrl !== undefined && { REDIS_URL: redisUrl }),
    ...env,
  });
}
