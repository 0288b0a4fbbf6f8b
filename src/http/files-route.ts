import { pipeline, type Readable } from 'node:stream';
import type { FastifyPluginCallback, FastifyReply, FastifyRequest } from 'fastify';
import { GatewayError, sourceUnavailable } from '../errors.js';
import { exactLength } from '../files/exact-length.js';
import { FileChangedError } from '../files/file.js';
import type { FileMetadata, OpenedFile, OpenOptions } from '../files/file.js';
import { filePathOfUrl } from '../files/path.js';
import type { Seconds } from '../units.js';
import { cacheStatus, fileAnswer, fileHeaders, lengthOf, type FileAnswer } from './file-answer.js';
import { errorBody, sendError } from './http-error.js';

/** A file as the cache has it. */
export interface FileRead {
  readonly metadata: FileMetadata;
  /** All of them, for small files only. */
  readonly bytes?: Buffer;
  readonly outcome: string;
  readonly ttl?: Seconds;
}

/** Bytes that were not in the entry. `outcome`: where they come from, if not straight from the store. */
export interface FileStream extends OpenedFile {
  readonly outcome?: string;
}

export interface FilesRouteDeps {
  /** @throws GatewayError UNAUTHENTICATED, FORBIDDEN, or NOT_FOUND for what the viewer must not know of */
  authorise(request: FastifyRequest, path: string): Promise<void>;
  /** Through the cache; `null` if there is no such file. */
  readFile(path: string): Promise<FileRead | null>;
  /** @throws FileChangedError if the file is not the version `ifMatch` */
  openFile(path: string, options: OpenOptions): Promise<FileStream | null>;
  /** The cached entry of `path` is of an older version: it is never read again once this has resolved. */
  fileChanged(path: string): Promise<void>;
}

/**
 * `GET` and `HEAD /files/<path>`: whole files and single ranges, conditional requests, one version per answer. A body
 * that cannot be completed ends with a broken connection, so that it never passes for a whole one.
 */
export const filesRoute: FastifyPluginCallback<FilesRouteDeps> = (app, deps, done) => {
  app.setErrorHandler((error, request, reply) => {
    withdrawHeaders(reply);
    return sendError(error, request, reply);
  });
  app.route({
    method: ['GET', 'HEAD'],
    url: '/files/*',
    handler: async (request, reply) => {
      const path = filePathOfUrl(request.raw.url ?? '');
      await deps.authorise(request, path);
      return renewOnChange(path, deps, () => serve(path, request, reply, deps));
    },
  });
  done();
};

/** A file that was replaced behind the cache's back is read anew, once. */
async function renewOnChange<T>(path: string, deps: FilesRouteDeps, attempt: () => Promise<T>): Promise<T> {
  try {
    return await attempt();
  } catch (error) {
    if (!(error instanceof FileChangedError)) throw error;
  }
  await deps.fileChanged(path);
  try {
    return await attempt();
  } catch (error) {
    throw error instanceof FileChangedError ? sourceUnavailable('file store', error) : error;
  }
}

async function serve(path: string, request: FastifyRequest, reply: FastifyReply, deps: FilesRouteDeps): Promise<FastifyReply> {
  const file = await deps.readFile(path);
  if (!file) throw new GatewayError('NOT_FOUND', 'There is no such file.');
  const { metadata, outcome, ttl } = file;
  const answer = fileAnswer(request.method, request.headers, metadata);
  const hasBody = request.method === 'GET' && (answer.status === 200 || answer.status === 206);
  const inline = hasBody ? inlineBody(file, answer) : undefined;
  const opened = hasBody && !inline ? await openBody(metadata, answer, reply, deps) : undefined;
  void reply
    .code(answer.status)
    .headers(fileHeaders(metadata, answer))
    .header('cache-status', opened ? cacheStatus(opened.outcome ?? 'streamed') : cacheStatus(outcome, ttl));
  if (answer.status === 412 || answer.status === 416) return reply.send(refusal(answer.status));
  if (opened) return reply.send(checkedBody(opened, lengthOf(metadata, answer)));
  return reply.send(inline);
}

function inlineBody({ bytes, metadata }: FileRead, answer: FileAnswer): Buffer | undefined {
  if (bytes?.length !== metadata.size) return undefined;
  return answer.status === 206 ? bytes.subarray(answer.range.start, answer.range.end + 1) : bytes;
}

/** Opens exactly the version that the answer was decided for; gives up when the client goes away. */
async function openBody(file: FileMetadata, answer: FileAnswer, reply: FastifyReply, deps: FilesRouteDeps): Promise<FileStream> {
  const client = new AbortController();
  reply.raw.once('close', () => client.abort());
  const opened = await deps.openFile(file.path, {
    ifMatch: file.etag,
    signal: client.signal,
    ...(answer.status === 206 && { range: answer.range }),
  });
  if (!opened) throw new FileChangedError();
  return opened;
}

/** Fastify destroys the returned stream when the client goes away; the pipeline then destroys the source. */
function checkedBody({ body }: OpenedFile, length: number): Readable {
  const checked = exactLength(length);
  // Before the pipeline's own listener, so that a failure before the first byte is answered as one of the source.
  body.once('error', (error) => checked.destroy(sourceUnavailable('file store', error)));
  pipeline(body, checked, () => undefined);
  return checked;
}

function refusal(status: 412 | 416): ReturnType<typeof errorBody> {
  return status === 412
    ? errorBody('CONFLICT', 'The file is not the version that the request was made for.')
    : errorBody('BAD_USER_INPUT', 'The range must begin inside the file.');
}

/** An error may come after the headers of a file were set, but before they were sent. */
function withdrawHeaders(reply: FastifyReply): void {
  const names = [
    'etag',
    'last-modified',
    'cache-control',
    'accept-ranges',
    'content-disposition',
    'content-range',
    'cache-status',
  ];
  for (const name of names) {
    void reply.removeHeader(name);
    if (!reply.raw.headersSent) reply.raw.removeHeader(name);
  }
}
