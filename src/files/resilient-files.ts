import { addAbortSignal, type Readable } from 'node:stream';
import type { Bytes } from '../units.js';
import { FileChangedError } from './file.js';
import type { FileMetadata, FileSource, OpenedFile, OpenOptions } from './file.js';
import { Ordeal, persist, type Patience } from './patience.js';
import { ResumedBody } from './resumed-body.js';

/**
 * `source`, with patience for trouble that may pass. `head` and `open` are asked again; a body that breaks, stalls or ends
 * early goes on where it was, with the same version or not at all. Uploads pass through: a body comes only once.
 */
export function resilientFiles(source: FileSource, patience: Patience): FileSource {
  const insist = <T>(path: string, signal: AbortSignal | undefined, ask: (signal: AbortSignal) => Promise<T>): Promise<T> =>
    persist(ask, new Ordeal(path, patience), patience.time, signal ?? new AbortController().signal);
  return {
    head: (path, { signal } = {}) => insist(path, signal, (attempt) => source.head(path, { signal: attempt })),
    async open(path, options = {}) {
      const { signal } = options;
      const opened = await insist(path, signal, (attempt) => openWithin(source, path, { ...options, signal: attempt }));
      if (!opened) return null;
      const body = resumedBody(source, opened, options, patience);
      return { metadata: opened.metadata, body: signal ? addAbortSignal(signal, body) : body };
    },
    put: (path, body, options) => source.put(path, body, options),
    presign: (path, expiresIn) => source.presign(path, expiresIn),
    close: () => source.close(),
  };
}

function resumedBody(source: FileSource, { metadata, body }: OpenedFile, { range }: OpenOptions, patience: Patience): Readable {
  const { path, size } = metadata;
  const end = range ? Math.min(range.end + 1, size) : size;
  return new ResumedBody({
    path,
    first: body,
    start: range?.start ?? 0,
    end,
    reopen: (start, ordeal, signal) =>
      persist((attempt) => openRest(source, metadata, { start, end }, attempt), ordeal, patience.time, signal),
    patience,
  });
}

/** @throws FileChangedError if the file is no longer this version */
async function openRest(
  source: FileSource,
  { path, etag, size }: FileMetadata,
  { start, end }: { readonly start: Bytes; readonly end: Bytes },
  signal: AbortSignal,
): Promise<Readable> {
  const rest = await openWithin(source, path, { range: { start, end: end - 1 }, ifMatch: etag, signal });
  if (rest?.metadata.etag === etag && rest.metadata.size === size) return rest.body;
  rest?.body.on('error', () => undefined).destroy();
  throw new FileChangedError('the file changed while it was read');
}

/** What is opened too late is let go of. */
async function openWithin(
  source: FileSource,
  path: string,
  options: OpenOptions & { readonly signal: AbortSignal },
): Promise<OpenedFile | null> {
  const opened = await source.open(path, options);
  if (!options.signal.aborted) return opened;
  opened?.body.on('error', () => undefined).destroy();
  throw options.signal.reason;
}
