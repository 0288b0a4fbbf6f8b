import { S3ServiceException } from '@aws-sdk/client-s3';
import { sourceUnavailable, type GatewayError } from '../errors.js';
import { FileChangedError, FileStoreRefusedError, PutUnconfirmedError } from '../files/file.js';

/** Answers of 4xx that repeating may cure: throttling, and a clock that the SDK has corrected by now. */
const PASSING: ReadonlySet<string> = new Set(['RequestTimeTooSkewed', 'RequestTimeout', 'SlowDown']);
const PASSING_STATUS: ReadonlySet<number> = new Set([408, 425, 429]);
/** Nothing was sent. The SDK has no code for its own timeout, and keeps only the text of an error that it wraps. */
const UNCONNECTED = /ECONNREFUSED|ENOTFOUND|EAI_AGAIN|did not establish a connection/;

/** `null` where the store says that there is no such file. @throws what `readError` makes of everything else */
export async function orMissing<T>(ask: () => Promise<T>, signal?: AbortSignal): Promise<T | null> {
  try {
    return await ask();
  } catch (error) {
    signal?.throwIfAborted();
    // A missing bucket is a mistake in the configuration, not a missing file.
    if (statusOf(error) === 404 && nameOf(error) !== 'NoSuchBucket') return null;
    throw readError(error);
  }
}

/** An error of a read as the port promises it. */
function readError(error: unknown): Error {
  const status = statusOf(error);
  return status === 412 || status === 416 ? new FileChangedError() : troubleOf(error);
}

/**
 * An error of an upload as the port promises it.
 * @param etagBefore of the version that it replaces, `null`: there is none; `undefined`: the store has not all bytes yet
 */
export function putError(error: unknown, etagBefore: string | null | undefined): Error {
  const status = statusOf(error);
  // 404: `If-Match` where there is no file. 409: another conditional upload at the same time.
  if (status === 412 || status === 409 || (status === 404 && nameOf(error) !== 'NoSuchBucket')) return new FileChangedError();
  const refused = (status !== undefined && status < 500) || isUnsent(error);
  return etagBefore === undefined || refused ? troubleOf(error) : new PutUnconfirmedError(error, etagBefore);
}

function troubleOf(error: unknown): GatewayError {
  const status = statusOf(error);
  if (isUnsigned(error)) return new FileStoreRefusedError('there are no credentials for the store', error);
  const passing = status === undefined || status >= 500 || PASSING_STATUS.has(status) || PASSING.has(nameOf(error));
  return passing
    ? sourceUnavailable('file store', error)
    : new FileStoreRefusedError(`the store answered ${status} ${nameOf(error)}`, error);
}

function isUnsent(error: unknown): boolean {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : '';
  return UNCONNECTED.test(`${String(code)} ${String(error)}`) || isUnsigned(error);
}

function isUnsigned(error: unknown): boolean {
  return nameOf(error) === 'CredentialsProviderError';
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : '';
}

function statusOf(error: unknown): number | undefined {
  return error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
}
