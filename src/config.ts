import path from 'node:path';
import { environment, type Environment } from './config-environment.js';
import type { AuthConfig, Config, FilesConfig } from './config-shape.js';
import * as read from './config-values.js';
import { SECOND } from './units.js';

export type { AuthConfig, Config, FilesConfig, Level } from './config-shape.js';

/** The environment does not describe a gateway. The message has a line for each variable: its name and what was expected. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/**
 * Reads and checks the whole environment. An empty value counts as absent.
 * @throws ConfigError naming every wrong variable and what it expects
 */
export function loadConfig(env: NodeJS.ProcessEnv): Config {
  const present = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value.trim() !== ''));
  const parsed = environment.safeParse(present);
  if (!parsed.success) {
    throw new ConfigError(parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('\n'));
  }
  const problems = conflicts(parsed.data);
  if (problems.length > 0) throw new ConfigError(problems.join('\n'));
  return deepFreeze(toConfig(parsed.data));
}

function conflicts(env: Environment): string[] {
  const problems: string[] = [];
  if (env.AUTH_JWT_SECRET && env.AUTH_JWKS_URL) {
    problems.push('AUTH_JWKS_URL: expected to be absent when AUTH_JWT_SECRET is set; tokens are checked by one of them');
  }
  if (!env.AUTH_JWT_SECRET && !env.AUTH_JWKS_URL && !read.isLoopback(env.HOST)) {
    problems.push(
      `HOST: expected a loopback address (127.0.0.1, ::1, localhost) because no authentication is configured, but got ` +
        `"${env.HOST}"; set AUTH_JWT_SECRET or AUTH_JWKS_URL to listen elsewhere`,
    );
  } else if (!env.AUTH_JWT_SECRET && !env.AUTH_JWKS_URL) problems.push(...uncheckedClaims(env));
  if (env.TRUSTED_OPERATIONS_ONLY && !env.TRUSTED_OPERATIONS_FILE) {
    problems.push('TRUSTED_OPERATIONS_FILE: expected a manifest, because TRUSTED_OPERATIONS_ONLY is set');
  }
  if (env.S3_BUCKET && env.FILES_DIR) {
    problems.push('FILES_DIR: expected to be absent when S3_BUCKET is set; files come from one of them');
  }
  if (env.S3_ENDPOINT && !env.S3_BUCKET) problems.push('S3_BUCKET: expected the name of a bucket, because S3_ENDPOINT is set');
  const [policy, levels] = [env.ORDER_WINDOW_POLICY, env.ORDER_WINDOW_LEVELS];
  if (policy.kind === 'fixed' && !levels.includes(policy.level)) {
    problems.push(
      `ORDER_WINDOW_POLICY: expected fixed: with one of ORDER_WINDOW_LEVELS (${levels.join()}), but got "fixed:${policy.level}"`,
    );
  }
  return problems;
}

/** What tokens would be checked by, if there were something to check them with. */
function uncheckedClaims(env: Environment): string[] {
  const set = (['AUTH_ISSUER', 'AUTH_AUDIENCE'] as const).filter((name) => env[name] !== undefined);
  return set.map(
    (name) => `${name}: expected AUTH_JWT_SECRET or AUTH_JWKS_URL beside it; without one of them no token is checked by it`,
  );
}

function toConfig(env: Environment): Config {
  return {
    http: httpConfig(env),
    rateLimits: rateLimits(env),
    logLevel: env.LOG_LEVEL,
    dataDir: env.DATA_DIR,
    simulator: env.DEMO_SIMULATOR,
    auth: authConfig(env),
    operations: operationsConfig(env),
    database: {
      ...(env.MES_DATABASE_URL && { url: env.MES_DATABASE_URL }),
      poolMax: env.MES_DATABASE_POOL_MAX,
      timeout: env.MES_DATABASE_TIMEOUT_SECONDS * SECOND,
      loadQueue: env.MES_DATABASE_QUEUE_MAX,
    },
    orders: {
      timeZone: env.PLANT_TIME_ZONE,
      levels: env.ORDER_WINDOW_LEVELS,
      windowPolicy: env.ORDER_WINDOW_POLICY,
      tileMaxRows: env.ORDER_TILE_MAX_ROWS,
      ttl: env.ORDER_TTL_SECONDS * SECOND,
      freshTtl: env.ORDER_FRESH_TTL_SECONDS * SECOND,
      readWholeAfter: env.ORDER_READ_WHOLE_SECONDS * SECOND,
    },
    audit: { required: env.AUDIT === 'required' },
    feed: {
      ...(env.CHANGE_FEED && { mode: env.CHANGE_FEED }),
      group: env.CHANGE_FEED_GROUP,
      pollEach: env.CHANGE_FEED_POLL_MS,
    },
    store: {
      ...(env.REDIS_URL && { urls: env.REDIS_URL }),
      deadline: env.STORE_DEADLINE_MS,
      fillLock: env.FILL_LOCK_MS,
      staleFor: env.STALE_MAX_SECONDS * SECOND,
      maxMemory: env.MEMORY_CACHE_MAX_BYTES,
    },
    files: filesConfig(env),
  };
}

function httpConfig(env: Environment): Config['http'] {
  return {
    host: env.HOST,
    port: env.PORT,
    ...(env.PUBLIC_URL && { publicUrl: env.PUBLIC_URL.replace(/\/+$/, '') }),
    trustProxy: env.TRUST_PROXY,
    corsOrigins: env.CORS_ORIGINS,
    maxRequest: env.REQUEST_MAX_BYTES,
    compression: env.COMPRESSION,
    connectionsMax: env.CONNECTIONS_MAX,
    ...(env.CONNECTIONS_PER_ADDRESS_MAX !== undefined && { connectionsPerAddressMax: env.CONNECTIONS_PER_ADDRESS_MAX }),
    headersTimeout: env.HEADERS_TIMEOUT_SECONDS * SECOND,
    requestTimeout: env.REQUEST_TIMEOUT_SECONDS * SECOND,
    keepAlive: env.KEEP_ALIVE_SECONDS * SECOND,
    liveConnectionsMax: env.LIVE_CONNECTIONS_MAX,
    shutdownTimeout: env.SHUTDOWN_TIMEOUT_SECONDS * SECOND,
    ...(env.METRICS_SECRETS && { metricsSecrets: env.METRICS_SECRETS }),
  };
}

function rateLimits(env: Environment): Config['rateLimits'] {
  return {
    ...(env.RATE_LIMIT_OPERATOR !== undefined && { operator: env.RATE_LIMIT_OPERATOR }),
    ...(env.RATE_LIMIT_PARTNER !== undefined && { partner: env.RATE_LIMIT_PARTNER }),
    ...(env.RATE_LIMIT_SERVICE !== undefined && { service: env.RATE_LIMIT_SERVICE }),
    ...(env.RATE_LIMIT_ADDRESS !== undefined && { address: env.RATE_LIMIT_ADDRESS }),
    ...(env.RATE_LIMIT_FILE_BYTES !== undefined && { 'file-bytes': env.RATE_LIMIT_FILE_BYTES }),
    ...(env.RATE_LIMIT_FAILED_AUTH !== undefined && { 'failed-auth': env.RATE_LIMIT_FAILED_AUTH }),
  };
}

function authConfig(env: Environment): AuthConfig {
  const rules = {
    clockTolerance: env.AUTH_CLOCK_TOLERANCE_SECONDS * SECOND,
    operatorsReadOnly: env.AUTH_OPERATORS_READ_ONLY,
  };
  const expected = {
    ...rules,
    ...(env.AUTH_ISSUER && { issuer: env.AUTH_ISSUER }),
    ...(env.AUTH_AUDIENCE && { audience: env.AUTH_AUDIENCE }),
  };
  if (env.AUTH_JWT_SECRET) return { mode: 'secret', secret: env.AUTH_JWT_SECRET, ...expected };
  if (env.AUTH_JWKS_URL) return { mode: 'jwks', url: env.AUTH_JWKS_URL, ...expected };
  return { mode: 'demo', ...rules };
}

function operationsConfig(env: Environment): Config['operations'] {
  return {
    limits: {
      cost: env.OPERATION_MAX_COST,
      depth: env.OPERATION_MAX_DEPTH,
      aliases: env.OPERATION_MAX_ALIASES,
      rootFields: env.OPERATION_MAX_ROOT_FIELDS,
      tokens: env.OPERATION_MAX_TOKENS,
      directives: env.OPERATION_MAX_DIRECTIVES,
    },
    timeout: env.OPERATION_TIMEOUT_SECONDS * SECOND,
    trusted: {
      ...(env.TRUSTED_OPERATIONS_FILE && { file: env.TRUSTED_OPERATIONS_FILE }),
      only: env.TRUSTED_OPERATIONS_ONLY,
    },
    introspection: env.INTROSPECTION,
    sandbox: env.SANDBOX,
  };
}

function filesConfig(env: Environment): Config['files'] {
  return {
    source: fileSourceConfig(env),
    sourceDeadline: env.FILE_SOURCE_DEADLINE_SECONDS * SECOND,
    inlineMax: env.FILE_INLINE_MAX_BYTES,
    disk: {
      folder: env.FILE_CACHE_DIR ?? path.join(env.DATA_DIR, 'file-cache'),
      max: env.FILE_CACHE_MAX_BYTES,
      fileMax: env.FILE_CACHE_FILE_MAX_BYTES,
    },
    compression: env.FILE_COMPRESSION,
    uploadMax: env.FILE_UPLOAD_MAX_BYTES,
    ttl: env.FILE_TTL_SECONDS * SECOND,
    absentTtl: env.FILE_ABSENT_TTL_SECONDS * SECOND,
    ...(env.FILE_EVENTS_SECRETS && { eventSecrets: env.FILE_EVENTS_SECRETS }),
    ...(env.FILE_URL_SECRETS && { urlSecrets: env.FILE_URL_SECRETS }),
  };
}

function fileSourceConfig(env: Environment): FilesConfig {
  if (env.S3_BUCKET) {
    return {
      kind: 's3',
      bucket: env.S3_BUCKET,
      ...(env.S3_ENDPOINT && { endpoint: env.S3_ENDPOINT }),
      ...regionOf(env),
      forcePathStyle: env.S3_FORCE_PATH_STYLE,
    };
  }
  return env.FILES_DIR ? { kind: 'directory', root: env.FILES_DIR } : { kind: 'samples' };
}

/** Servers other than AWS's own mostly ignore the region, but a request is not signed without one. */
function regionOf({ S3_REGION, AWS_REGION, S3_ENDPOINT }: Environment): { region?: string } {
  if (S3_REGION) return { region: S3_REGION };
  return S3_ENDPOINT && !AWS_REGION ? { region: 'us-east-1' } : {};
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(deepFreeze);
  }
  return value;
}
