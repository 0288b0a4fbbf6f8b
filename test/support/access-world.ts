import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MINUTE } from '../../src/units.js';
import { emptyRedis } from './empty-redis.js';
import { outboxPlant } from './feed.js';
import { startGateway, type GatewayProcess } from './gateway.js';
import { post, type GraphqlAnswer, type RequestOptions } from './gateway-requests.js';
import type { Plant, PlantOrder } from './plant.js';
import { removeFolder, temporaryFolder } from './servers/temporary.js';
import { tokenFor, type TokenOverrides } from './tokens.js';

const ISSUER = 'https://idp.test';
const AUDIENCE = 'mes';
const AT = '2025-07-24T15:10:00.000Z';
/** All orders of the world lie in it. */
export const WINDOW = { createdBy: '2025-07-24T15:00Z', window: 60 };
export const ABSENT_ID = '00000000-0000-4000-8000-00000000dead';
export const FILES = {
  a: 'models/a.stl',
  b: 'models/b.stl',
  nobody: 'models/direct.stl',
  unnamed: 'models/unnamed.stl',
} as const;
export const ABSENT_FILE = 'models/none.stl';

/** Nothing here is about how much may be asked for. */
export const UNLIMITED = Object.fromEntries(
  ['OPERATOR', 'PARTNER', 'SERVICE', 'ADDRESS', 'FAILED_AUTH'].map((kind) => [`RATE_LIMIT_${kind}`, '1000000']),
);

/** Those whose token is good, in the order of the report. */
export const CALLERS = ['anonymous', 'operator', 'read-only operator', 'partner A', 'partner B', 'service'] as const;
/** Those whose token is not accepted. */
export const REFUSED = ['expired', 'not yet valid', 'of another issuer', 'for another audience', 'signed by a stranger'] as const;

export type CallerName = (typeof CALLERS)[number] | (typeof REFUSED)[number];

export interface Caller {
  readonly name: CallerName;
  readonly token: string | undefined;
  readonly partnerId?: string;
}

/** A gateway with everything that may be asked for: orders of two partners and of nobody, files of theirs, and of no order. */
export interface AccessWorld {
  readonly gateway: GatewayProcess;
  readonly plant: Plant;
  /** Where the store has its files. */
  readonly folder: string;
  readonly callers: readonly Caller[];
  readonly orders: Readonly<Record<'a' | 'b' | 'nobody', PlantOrder>>;
  /** All of them. */
  readonly all: readonly PlantOrder[];
  close(): Promise<void>;
}

export async function accessWorld(env: Readonly<Record<string, string>> = {}): Promise<AccessWorld> {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'models'));
  for (const path of Object.values(FILES)) writeFileSync(join(folder, path), `solid ${path}`);
  const plant = await outboxPlant();
  const given = [
    { partner_id: 'partner-a', file_path: FILES.a },
    { partner_id: 'partner-b', file_path: FILES.b },
    { partner_id: null, file_path: FILES.nobody },
    { partner_id: 'partner-b' },
    { partner_id: 'partner-a' },
    { partner_id: 'PARTNER-A' },
  ];
  const all = await plant.insert(
    ...given.map((order, index) => ({
      ...order,
      created_at: new Date(Date.parse(AT) + index * MINUTE).toISOString(),
      number: `N-${index}`,
    })),
  );
  const gateway = await startGateway({
    MES_DATABASE_URL: plant.url,
    REDIS_URL: await emptyRedis(),
    FILES_DIR: folder,
    AUTH_ISSUER: ISSUER,
    AUTH_AUDIENCE: AUDIENCE,
    STORE_DEADLINE_MS: '10000',
    ...UNLIMITED,
    ...env,
  });
  const [a, b, nobody] = all as [PlantOrder, PlantOrder, PlantOrder];
  return {
    gateway,
    plant,
    folder,
    callers: await callers(),
    orders: { a, b, nobody },
    all,
    close: async () => {
      await gateway.stop();
      removeFolder(folder);
    },
  };
}

async function callers(): Promise<Caller[]> {
  const claims = { iss: ISSUER, aud: AUDIENCE };
  const operator = (overrides: TokenOverrides, more = {}) =>
    tokenFor({ role: 'operator' }, { ...overrides, claims: { ...claims, ...more } });
  const later = Math.floor(Date.now() / 1000) + 600;
  return [
    { name: 'anonymous', token: undefined },
    { name: 'operator', token: await operator({}) },
    { name: 'read-only operator', token: await operator({}, { read_only: true }) },
    { name: 'partner A', token: await tokenFor({ role: 'partner', partnerId: 'partner-a' }, { claims }), partnerId: 'partner-a' },
    { name: 'partner B', token: await tokenFor({ role: 'partner', partnerId: 'partner-b' }, { claims }), partnerId: 'partner-b' },
    { name: 'service', token: await tokenFor({ role: 'service' }, { claims }) },
    { name: 'expired', token: await operator({ expiresIn: -MINUTE }) },
    { name: 'not yet valid', token: await operator({}, { nbf: later }) },
    { name: 'of another issuer', token: await operator({}, { iss: 'https://other.test' }) },
    { name: 'for another audience', token: await operator({}, { aud: 'shop' }) },
    { name: 'signed by a stranger', token: await operator({ secret: 'a secret of a stranger, longer than 32 bytes' }) },
  ];
}

/** The caller of this name. */
export function callerOf({ callers: all }: AccessWorld, name: CallerName): Caller {
  const found = all.find((caller) => caller.name === name);
  if (!found) throw new Error(`must be one of the callers, but got: ${name}`);
  return found;
}

const WORDS: Readonly<Record<string, string>> = { UNAUTHENTICATED: '401', FORBIDDEN: '403', NOT_FOUND: '404' };

/** The answer to a caller's operation, and in one word the first error. */
export async function send<T>(
  { gateway }: AccessWorld,
  { token }: Caller,
  query: string,
  variables: Readonly<Record<string, unknown>> = {},
  headers: RequestOptions['headers'] = {},
): Promise<GraphqlAnswer<T> & { readonly refusal: string | undefined }> {
  const answer = await post<T>(`${gateway.url}/graphql`, { query, variables }, { token, headers });
  const code = answer.errors?.[0]?.extensions.code;
  return { ...answer, refusal: code && (WORDS[code] ?? code) };
}
