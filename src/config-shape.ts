import type { WindowPolicy } from './config-values.js';
import type { OperationLimits } from './graphql/limits.js';
import type { Bytes, Milliseconds, Minutes } from './units.js';

export type Level = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';

/** How callers prove who they are. `demo`: nothing is configured; tokens are made at start, on loopback only. */
export type AuthConfig = TokenRules &
  (
    | { readonly mode: 'demo' }
    | { readonly mode: 'secret'; readonly secret: string; readonly issuer?: string; readonly audience?: string }
    | { readonly mode: 'jwks'; readonly url: string; readonly issuer?: string; readonly audience?: string }
  );

interface TokenRules {
  readonly clockTolerance: Milliseconds;
  readonly operatorsReadOnly: boolean;
}

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
    /** Whom `X-Forwarded-*` is believed from: all, nobody, or addresses and networks (`10.0.0.0/8`). */
    readonly trustProxy: boolean | readonly string[];
    readonly corsOrigins: readonly string[];
    readonly maxRequest: Bytes;
    readonly compression: boolean;
    readonly connectionsMax: number;
    readonly connectionsPerAddressMax?: number;
    readonly headersTimeout: Milliseconds;
    readonly requestTimeout: Milliseconds;
    readonly keepAlive: Milliseconds;
    readonly liveConnectionsMax: number;
    readonly shutdownTimeout: Milliseconds;
    /** What opens `/metrics`; absent: it is open. */
    readonly metricsSecrets?: readonly string[];
  };
  /** How much a minute, by policy; what is absent is not bounded. */
  readonly rateLimits: {
    readonly operator?: number;
    readonly partner?: number;
    readonly service?: number;
    readonly address?: number;
    readonly 'file-bytes'?: number;
    readonly 'failed-auth'?: number;
  };
  readonly logLevel: Level;
  readonly dataDir: string;
  readonly simulator: boolean;
  readonly auth: AuthConfig;
  /** Which operations are taken. */
  readonly operations: {
    readonly limits: OperationLimits;
    readonly timeout: Milliseconds;
    /** A manifest of operations that are known beforehand; `only`: nothing else is taken. */
    readonly trusted: { readonly file?: string; readonly only: boolean };
    readonly introspection: boolean;
    readonly sandbox: boolean;
  };
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
    readonly windowPolicy: WindowPolicy;
    readonly tileMaxRows: number;
    readonly ttl: Milliseconds;
    readonly freshTtl: Milliseconds;
    readonly readWholeAfter: Milliseconds;
  };
  /** `required`: nothing may be changed that the audit log does not take down; else it is kept if the database has one. */
  readonly audit: { readonly required: boolean };
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
    readonly sourceDeadline: Milliseconds;
    readonly inlineMax: Bytes;
    /** The tier on disk. `max` 0: there is none. Larger files than `fileMax` pass through. */
    readonly disk: { readonly folder: string; readonly max: Bytes; readonly fileMax: Bytes };
    /** Whether files are sent encoded to those who take it. */
    readonly compression: boolean;
    readonly uploadMax: Bytes;
    readonly ttl: Milliseconds;
    readonly absentTtl: Milliseconds;
    /** What senders of the store's events prove themselves by, beside tokens. */
    readonly eventSecrets?: readonly string[];
    readonly urlSecrets?: readonly string[];
  };
}
