import type { Readable } from 'node:stream';
import { GatewayError, sourceUnavailable } from '../errors.js';
import type { Bytes, EpochMilliseconds, Seconds } from '../units.js';

/** What the store says of one version of a file. `etag` is the HTTP form, quotes included: `"5d41402a…"`. */
export interface FileMetadata {
  /** The store's key, such as `models/ring-17.stl`. */
  readonly path: string;
  readonly size: Bytes;
  readonly contentType: string;
  /** How the store's bytes are encoded, as in the header of that name, such as `gzip`: they were uploaded so. */
  readonly contentEncoding?: string;
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

export interface PutOptions {
  /** Exactly so many bytes must come. */
  readonly size: Bytes;
  /** Kept where the store keeps types (S3); a folder tells the type by the name. */
  readonly contentType: string;
  /** Only over this version. Not together with `ifNoneMatch`. */
  readonly ifMatch?: string;
  /** Only where there is no file. */
  readonly ifNoneMatch?: '*';
  readonly signal?: AbortSignal;
}

/** What a put has done. */
export interface PutResult {
  /** What the store now says of the new version. */
  readonly metadata: FileMetadata;
  /**
   * Of the version that it replaced; `null`: there was none. Exact among the puts of this process, and where the store itself
   * sees to a condition; else another program may have replaced that version in the moment in between.
   */
  readonly etagBefore: string | null;
}

/** The file is not, or no longer, what `ifMatch` or `ifNoneMatch` asked for. */
export class FileChangedError extends Error {
  override readonly name = 'FileChangedError';
}

/** Trouble of the store that does not pass by waiting: refused credentials, no such bucket. `cause` says which. */
export class FileStoreRefusedError extends GatewayError {
  constructor(reason: string, cause?: unknown) {
    super('SOURCE_UNAVAILABLE', sourceUnavailable('file store').message, { cause: new Error(reason, { cause }) });
  }
}

/** The store had all bytes of a new version and did not confirm it: from now on, or later, it may be the file. */
export class PutUnconfirmedError extends GatewayError {
  /** @param etagBefore of the version that it replaces then, as in `PutResult` */
  constructor(
    cause?: unknown,
    readonly etagBefore: string | null = null,
  ) {
    super(
      'SOURCE_UNAVAILABLE',
      'The file store did not confirm the upload, which may have been made; look at the file before you repeat it.',
      { cause },
    );
  }
}

/**
 * Where files live (S3, a folder). Paths that arrive here have passed `parseFilePath`.
 * `null` means that there is no such file. A store that fails or does not answer is a GatewayError
 * `SOURCE_UNAVAILABLE`, never `null`. Giving up through `signal` rejects with the signal's reason: it says nothing of the
 * store.
 */
export interface FileSource {
  head(path: string, options?: { readonly signal?: AbortSignal }): Promise<FileMetadata | null>;
  /**
   * A range that reaches beyond the end is cut to it. `metadata` always describes the whole file.
   *
   * @throws FileChangedError if the file is not the version `ifMatch`, or if `range` starts beyond its end
   */
  open(path: string, options?: OpenOptions): Promise<OpenedFile | null>;
  /**
   * Makes `body` the file at `path`, whole or not at all: whoever reads gets the old version or the new one. When it
   * rejects with anything but PutUnconfirmedError, the file is what it was. `body` is consumed or destroyed in any case. Puts of
   * one path take turns, but only to replace the file: a slow `body` holds up no other.
   *
   * @throws FileChangedError if the file is not as `ifMatch` or `ifNoneMatch` demands
   * @throws PutUnconfirmedError if the new version may or may not have become the file; also where `signal` came too late
   * @throws GatewayError BAD_USER_INPUT for a body that is not `size` bytes long, and for a path that the store cannot hold
   * @throws what `body` failed with
   */
  put(path: string, body: Readable, options: PutOptions): Promise<PutResult>;
  /**
   * A URL of the store itself, or `null` where the store has none (a folder). Whoever downloads is offered the file's name.
   *
   * @throws GatewayError BAD_USER_INPUT for an `expiresIn` that is no whole number of seconds up to seven days
   */
  presign(path: string, expiresIn: Seconds): Promise<string | null>;
  close(): Promise<void>;
}
