import path from 'node:path';
import { z } from 'zod';
import * as read from './config-values.js';
import { GIB, KIB, MIB, SECOND, type Bytes, type Milliseconds, type Minutes } from './units.js';

/**
 * Every setting, with its default; docs/configuration.md has a line for each. Values are in the unit that the name ends
 * in; `compose.ts` reads them from the frozen `Config`, nothing else reads the environment.
 */
const environment = z.object({
  HOST: read.text.default('127.0.0.1'),
  PORT: read.wholeNumber(0, 65_535).default(4000),
  PUBLIC_URL: read.url(['http:', 'https:']).optional(),
  TRUST_PROXY: read.flag.default(false),
  CORS_ORIGINS: read.origins.default([]),
  LIVE_CONNECTIONS_MAX: read.wholeNumber(0, 1_000_000).default(10_000),
  REQUEST_MAX_BYTES: read.wholeNumber(KIB, 64 * MIB).default(MIB),
  SHUTDOWN_TIMEOUT_SECONDS: read.wholeNumber(1, 600).default(20),
  LOG_LEVEL: read.oneOf(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  DATA_DIR: read.text.default('.data'),
  DEMO_SIMULATOR: read.flag.default(true),

  AUTH_JWT_SECRET: read.text.optional(),
  AUTH_JWKS_URL: read.url(['http:', 'https:']).optional(),
  AUTH_ISSUER: read.text.optional(),
  AUTH_AUDIENCE: read.text.optional(),

  MES_DATABASE_URL: read.url(['postgres:', 'postgresql:']).optional(),
  MES_DATABASE_POOL_MAX: read.wholeNumber(1, 500).default(10),
  MES_DATABASE_TIMEOUT_SECONDS: read.wholeNumber(1, 600).default(10),
  MES_DATABASE_QUEUE_MAX: read.wholeNumber(0, 100_000).default(200),
  CHANGE_FEED: read.oneOf(['outbox', 'poll', 'off']).optional(),
  CHANGE_FEED_GROUP: read.text.default('default'),
  CHANGE_FEED_POLL_MS: read.wholeNumber(100, 60_000).default(2_000),
  PLANT_TIME_ZONE: read.timeZone.default('UTC'),
  ORDER_WINDOW_LEVELS: read.windowLevels.default([15, 30, 60]),
  ORDER_WINDOW_POLICY: read.windowPolicy.default({ kind: 'adaptive' }),
  ORDER_TILE_MAX_ROWS: read.wholeNumber(1, 500_000).default(10_000),
  ORDER_TTL_SECONDS: read.wholeNumber(1, 86_400).default(60),
  ORDER_FRESH_TTL_SECONDS: read.wholeNumber(1, 3_600).default(2),
  ORDER_READ_WHOLE_SECONDS: read.wholeNumber(0, 86_400).default(600),

  REDIS_URL: read.redisUrl.optional(),
  STORE_DEADLINE_MS: read.wholeNumber(10, 10_000).default(150),
  FILL_LOCK_MS: read.wholeNumber(50, 60_000).default(1_000),
  STALE_MAX_SECONDS: read.wholeNumber(0, 86_400).default(600),
  MEMORY_CACHE_MAX_BYTES: read.wholeNumber(MIB, 64 * 1024 * MIB).default(128 * MIB),

  S3_BUCKET: read.text.optional(),
  S3_ENDPOINT: read.url(['http:', 'https:']).optional(),
  S3_REGION: read.text.optional(),
  AWS_REGION: read.text.optional(),
  S3_FORCE_PATH_STYLE: read.flag.default(false),
  FILES_DIR: read.text.optional(),
  FILE_INLINE_MAX_BYTES: read.wholeNumber(0, 8 * MIB).default(256 * KIB),
  FILE_CACHE_DIR: read.text.optional(),
  FILE_CACHE_MAX_BYTES: read.wholeNumber(0, 1024 * 1024 * GIB).default(10 * GIB),
  FILE_CACHE_FILE_MAX_BYTES: read.wholeNumber(0, 1024 * GIB).default(GIB),
  FILE_UPLOAD_MAX_BYTES: read.wholeNumber(1, 5 * GIB).default(GIB),
  FILE_TTL_SECONDS: read.wholeNumber(1, 86_400).default(60),
  FILE_ABSENT_TTL_SECONDS: read.wholeNumber(1, 3_600).default(5),
  FILE_EVENTS_SECRETS: read.secrets.optional(),
  FILE_URL_SECRETS: read.secrets.optional(),
});

export type Level = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';

/** How callers prove who they are. `demo`: nothing is configured; tokens are made at start, on loopback only. */
export type AuthConfig =
  | { readonly mode: 'demo' }
  | { readonly mode: 'secret'; readonly secret: string; readonly issuer?: string; readonly audience?: string }
  | { readonly mode: 'jwks'; readonly url: string; readonly issuer?: string; readonly audience?: string };

/** Where files come from. `samples`: a folder of generated parts inside the data directory. */
export type FilesConfig =
  | { readonly kind: 'samples' }
  | { readonly kind: 'directory'; readonly root: string }
  | {
      readonly kind: 's3';
      readonly bucket: string;
      readonly endpoint?: string;
      readonly region?: string;
      readonly forcePathStyle: boolean;
    };

export interface Config {
  readonly http: {
    readonly host: string;
    readonly port: number;
    readonly publicUrl?: string;
    readonly trustProxy: boolean;
    readonly corsOrigins: readonly string[];
    readonly maxRequest: Bytes;
    readonly liveConnectionsMax: number;
    readonly shutdownTimeout: Milliseconds;
  };
  readonly logLevel: Level;
  readonly dataDir: string;
  readonly simulator: boolean;
  readonly auth: AuthConfig;
  /** Without a `url` an embedded Postgres with demo data is started. */
  readonly database: {
    readonly url?: string;
    readonly poolMax: number;
    readonly timeout: Milliseconds;
    readonly loadQueue: number;
  };
  readonly orders: {
    readonly timeZone: string;
    readonly levels: readonly Minutes[];
    readonly windowPolicy: read.WindowPolicy;
    readonly tileMaxRows: number;
    readonly ttl: Milliseconds;
    readonly freshTtl: Milliseconds;
    readonly readWholeAfter: Milliseconds;
  };
  /** Without a `mode`: the outbox if the database has one. */
  readonly feed: {
    readonly mode?: 'outbox' | 'poll' | 'off';
    readonly group: string;
    readonly pollEach: Milliseconds;
  };
  /** Without `urls` the cache lives in this process. More than one URL: a Redis Cluster. */
  readonly store: {
    readonly urls?: readonly string[];
    readonly deadline: Milliseconds;
    readonly fillLock: Milliseconds;
    readonly staleFor: Milliseconds;
    readonly maxMemory: Bytes;
  };
  readonly files: {
    readonly source: FilesConfig;
    readonly inlineMax: Bytes;
    /** The tier on disk. `max` 0: there is none. Larger files than `fileMax` pass through. */
    readonly disk: { readonly folder: string; readonly max: Bytes; readonly fileMax: Bytes };
    readonly uploadMax: Bytes;
    readonly ttl: Milliseconds;
    readonly absentTtl: Milliseconds;
    /** What senders of the store's events prove themselves by, beside tokens. */
    readonly eventSecrets?: readonly string[];
    readonly urlSecrets?: readonly string[];
  };
}

/** The environment does not describe a gateway. The message has a line for each variable: its name and what was expected. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

type Environment = z.output<typeof environment>;

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

function toConfig(env: Environment): Config {
  return {
    http: {
      host: env.HOST,
      port: env.PORT,
      ...(env.PUBLIC_URL && { publicUrl: env.PUBLIC_URL.replace(/\/+$/, '') }),
      trustProxy: env.TRUST_PROXY,
      corsOrigins: env.CORS_ORIGINS,
      maxRequest: env.REQUEST_MAX_BYTES,
      liveConnectionsMax: env.LIVE_CONNECTIONS_MAX,
      shutdownTimeout: env.SHUTDOWN_TIMEOUT_SECONDS * SECOND,
    },
    logLevel: env.LOG_LEVEL,
    dataDir: env.DATA_DIR,
    simulator: env.DEMO_SIMULATOR,
    auth: authConfig(env),
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
    files: {
      source: filesConfig(env),
      inlineMax: env.FILE_INLINE_MAX_BYTES,
      disk: {
        folder: env.FILE_CACHE_DIR ?? path.join(env.DATA_DIR, 'file-cache'),
        max: env.FILE_CACHE_MAX_BYTES,
        fileMax: env.FILE_CACHE_FILE_MAX_BYTES,
      },
      uploadMax: env.FILE_UPLOAD_MAX_BYTES,
      ttl: env.FILE_TTL_SECONDS * SECOND,
      absentTtl: env.FILE_ABSENT_TTL_SECONDS * SECOND,
      ...(env.FILE_EVENTS_SECRETS && { eventSecrets: env.FILE_EVENTS_SECRETS }),
      ...(env.FILE_URL_SECRETS && { urlSecrets: env.FILE_URL_SECRETS }),
    },
  };
}

function authConfig(env: Environment): AuthConfig {
  const expected = {
    ...(env.AUTH_ISSUER && { issuer: env.AUTH_ISSUER }),
    ...(env.AUTH_AUDIENCE && { audience: env.AUTH_AUDIENCE }),
  };
  if (env.AUTH_JWT_SECRET) return { mode: 'secret', secret: env.AUTH_JWT_SECRET, ...expected };
  if (env.AUTH_JWKS_URL) return { mode: 'jwks', url: env.AUTH_JWKS_URL, ...expected };
  return { mode: 'demo' };
}

function filesConfig(env: Environment): FilesConfig {
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
