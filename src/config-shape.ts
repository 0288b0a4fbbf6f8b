import type { WindowPolicy } from './config-values.js';
import type { Bytes, Milliseconds, Minutes } from './units.js';

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
    readonly windowPolicy: WindowPolicy;
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
