import { z } from 'zod';
import * as read from './config-values.js';
import { GIB, KIB, MIB } from './units.js';

/**
 * Every setting, with its default; docs/configuration.md has a line for each. Values are in the unit that the name ends
 * in; `compose.ts` reads them from the frozen `Config`, nothing else reads the environment.
 */
export const environment = z.object({
  HOST: read.text.default('127.0.0.1'),
  PORT: read.wholeNumber(0, 65_535).default(4000),
  PUBLIC_URL: read.baseUrl.optional(),
  TRUST_PROXY: read.proxies.default(false),
  CORS_ORIGINS: read.origins.default([]),
  COMPRESSION: read.flag.default(false),
  CONNECTIONS_MAX: read.wholeNumber(1, 1_000_000).default(20_000),
  CONNECTIONS_PER_ADDRESS_MAX: read.wholeNumber(1, 1_000_000).optional(),
  HEADERS_TIMEOUT_SECONDS: read.wholeNumber(1, 600).default(10),
  REQUEST_TIMEOUT_SECONDS: read.wholeNumber(1, 600).default(30),
  KEEP_ALIVE_SECONDS: read.wholeNumber(1, 3_600).default(72),
  LIVE_CONNECTIONS_MAX: read.wholeNumber(0, 1_000_000).default(10_000),
  REQUEST_MAX_BYTES: read.wholeNumber(KIB, 64 * MIB).default(MIB),
  SHUTDOWN_TIMEOUT_SECONDS: read.wholeNumber(1, 600).default(20),
  METRICS_SECRETS: read.secrets.optional(),
  LOG_LEVEL: read.oneOf(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  DATA_DIR: read.text.default('.data'),
  DEMO_SIMULATOR: read.flag.default(true),

  RATE_LIMIT_OPERATOR: read.wholeNumber(1, 1_000_000_000).optional(),
  RATE_LIMIT_PARTNER: read.wholeNumber(1, 1_000_000_000).optional(),
  RATE_LIMIT_SERVICE: read.wholeNumber(1, 1_000_000_000).optional(),
  RATE_LIMIT_ADDRESS: read.wholeNumber(1, 1_000_000_000).optional(),
  RATE_LIMIT_FILE_BYTES: read.wholeNumber(1, 1024 * GIB).optional(),
  RATE_LIMIT_FAILED_AUTH: read.wholeNumber(1, 1_000_000).optional(),

  AUTH_JWT_SECRET: read.text.optional(),
  AUTH_JWKS_URL: read.url(['http:', 'https:']).optional(),
  AUTH_ISSUER: read.text.optional(),
  AUTH_AUDIENCE: read.text.optional(),
  AUTH_CLOCK_TOLERANCE_SECONDS: read.wholeNumber(0, 300).default(5),
  AUTH_OPERATORS_READ_ONLY: read.flag.default(false),

  OPERATION_MAX_COST: read.wholeNumber(1, 1_000_000_000).default(10_000),
  OPERATION_MAX_DEPTH: read.wholeNumber(1, 50).default(10),
  OPERATION_MAX_ALIASES: read.wholeNumber(0, 100_000).default(200),
  OPERATION_MAX_ROOT_FIELDS: read.wholeNumber(1, 10_000).default(100),
  OPERATION_MAX_TOKENS: read.wholeNumber(100, 100_000).default(10_000),
  OPERATION_MAX_DIRECTIVES: read.wholeNumber(0, 10_000).default(50),
  OPERATION_TIMEOUT_SECONDS: read.wholeNumber(1, 600).default(30),
  TRUSTED_OPERATIONS_FILE: read.text.optional(),
  TRUSTED_OPERATIONS_ONLY: read.flag.default(false),
  INTROSPECTION: read.flag.default(true),
  SANDBOX: read.flag.default(true),

  MES_DATABASE_URL: read.url(['postgres:', 'postgresql:']).optional(),
  MES_DATABASE_POOL_MAX: read.wholeNumber(1, 500).default(10),
  MES_DATABASE_TIMEOUT_SECONDS: read.wholeNumber(1, 600).default(10),
  MES_DATABASE_QUEUE_MAX: read.wholeNumber(0, 100_000).default(200),
  AUDIT: read.oneOf(['auto', 'required']).default('auto'),
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
  FILE_SOURCE_DEADLINE_SECONDS: read.wholeNumber(1, 600).default(15),
  FILE_INLINE_MAX_BYTES: read.wholeNumber(0, 8 * MIB).default(256 * KIB),
  FILE_CACHE_DIR: read.text.optional(),
  FILE_CACHE_MAX_BYTES: read.wholeNumber(0, 1024 * 1024 * GIB).default(10 * GIB),
  FILE_CACHE_FILE_MAX_BYTES: read.wholeNumber(0, 1024 * GIB).default(GIB),
  FILE_COMPRESSION: read.flag.default(true),
  FILE_UPLOAD_MAX_BYTES: read.wholeNumber(1, 5 * GIB).default(GIB),
  FILE_TTL_SECONDS: read.wholeNumber(1, 86_400).default(60),
  FILE_ABSENT_TTL_SECONDS: read.wholeNumber(1, 3_600).default(5),
  FILE_EVENTS_SECRETS: read.secrets.optional(),
  FILE_URL_SECRETS: read.secrets.optional(),
});

/** What was read, checked variable by variable. */
export type Environment = z.output<typeof environment>;
