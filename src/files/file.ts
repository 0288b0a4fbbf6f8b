import type { Readable } from 'node:stream';
import type { Bytes, EpochMilliseconds, Seconds } from '../units.js';

/** What the store says of one version of a file. `etag` is the HTTP form, quotes included: `"5d41402a…"`. */
export interface FileMetadata {
  /** The store's key, such as `models/ring-17.stl`. */
  readonly path: string;
  readonly size: Bytes;
  readonly contentType: string;
  readonly etag: string;
  /** Whole seconds, as HTTP dates are. */
  readonly lastModified: EpochMilliseconds;
}

/** Inclusive on both ends, as in HTTP: `{ start: 0, end: 0 }` is the first byte. */
export interface ByteRange {
  readonly start: Bytes;
  readonly end: Bytes;
}

export interface OpenOptions {
  readonly range?: ByteRange;
  /** Only this version of the file may be answered. */
  readonly ifMatch?: string;
  readonly signal?: AbortSignal;
}

/** The bytes of one version of a file, whole or the range asked for. Whoever opens it consumes or destroys `body`. */
export interface OpenedFile {
  readonly metadata: FileMetadata;
  readonly body: Readable;
}

/** The file is no longer the version that `ifMatch` named. */
export class FileChangedError extends Error {
  override readonly name = 'FileChangedError';
}

/**
 * Where files live (S3, a folder). Paths that arrive here have passed `parseFilePath`.
 * `null` means that there is no such file. A store that fails or does not answer is a GatewayError
 * `SOURCE_UNAVAILABLE`, never `null`. Giving up through `signal` rejects with the signal's reason: it says nothing of the
 * store.
 */
export interface FileSource {
  head(path: string): Promise<FileMetadata | null>;
  /**
   * A range that reaches beyond the end is cut to it. `metadata` always describes the whole file.
   *
   * @throws FileChangedError if the file is not the version `ifMatch`, or if `range` starts beyond its end
   */
  open(path: string, options?: OpenOptions): Promise<OpenedFile | null>;
  /**
   * A URL of the store itself, or `null` where the store has none (a folder). Whoever downloads is offered the file's name.
   *
   * @throws GatewayError BAD_USER_INPUT for an `expiresIn` that is no whole number of seconds up to seven days
   */
  presign(path: string, expiresIn: Seconds): Promise<string | null>;
  close(): Promise<void>;
}
