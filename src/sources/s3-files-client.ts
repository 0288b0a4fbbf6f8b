import { S3Client } from '@aws-sdk/client-s3';
import { SECOND, type Milliseconds } from '../units.js';

export interface S3ClientOptions {
  /** Of an S3-compatible server; without it, AWS's own. */
  readonly endpoint?: string;
  /** Without it, where the SDK looks for one (`AWS_REGION`, profile). */
  readonly region?: string;
  readonly forcePathStyle?: boolean;
  /** Until a connection stands. */
  readonly connectionTimeout?: Milliseconds;
  /** Until the head of an answer has arrived. */
  readonly requestTimeout?: Milliseconds;
  /** Every body that is still being read holds one. */
  readonly maxSockets?: number;
}

/** Without a single byte in either direction while a file is uploaded. */
const UPLOAD_IDLE: Milliseconds = 60 * SECOND;

/**
 * For everything but uploads. It never repeats a request: whoever reads knows better how long to insist. Nor does it watch
 * bodies, since a socket that nobody reads from looks the same as a store that sends nothing.
 */
export function s3Client(options: S3ClientOptions): S3Client {
  const agent = { maxSockets: options.maxSockets ?? 256 };
  return clientOf(options, {
    requestTimeout: options.requestTimeout ?? 5 * SECOND,
    socketTimeout: 0,
    httpAgent: agent,
    httpsAgent: agent,
  });
}

/**
 * An upload takes as long as its body comes, and gets a connection of its own: on one that is used again the store may be
 * hanging up just now, and a body cannot be sent twice.
 */
export function s3UploadClient(options: S3ClientOptions): S3Client {
  const agent = { keepAlive: false };
  return clientOf(options, { requestTimeout: 0, socketTimeout: UPLOAD_IDLE, httpAgent: agent, httpsAgent: agent });
}

/** What it would say is thrown as well. */
const SILENT = { trace: nothing, debug: nothing, info: nothing, warn: nothing, error: nothing };

function nothing(): void {}

function clientOf(options: S3ClientOptions, handler: Record<string, unknown>): S3Client {
  return new S3Client({
    ...(options.endpoint !== undefined && { endpoint: options.endpoint }),
    ...(options.region !== undefined && { region: options.region }),
    forcePathStyle: options.forcePathStyle ?? false,
    maxAttempts: 1,
    logger: SILENT,
    // Servers other than AWS answer the SDK's default checksums with errors.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: options.connectionTimeout ?? 2 * SECOND,
      // Without this the SDK only warns.
      throwOnRequestTimeout: true,
      ...handler,
    },
  });
}
