import { pipeline, type Readable } from 'node:stream';
import type { FastifyPluginCallback, FastifyReply, FastifyRequest } from 'fastify';
import { GatewayError, sourceUnavailable } from '../errors.js';
import { exactLength } from '../files/exact-length.js';
import { FileChangedError } from '../files/file.js';
import type { FileMetadata, OpenedFile, OpenOptions } from '../files/file.js';
import { filePathOfUrl } from '../files/path.js';
import { ReadyBody } from '../files/ready-body.js';
import type { Variants } from '../files/variants.js';
import type { Bytes, Seconds } from '../units.js';
import { cacheStatus, fileAnswer, fileHeaders, isHit, lengthOf, type FileAnswer } from './file-answer.js';
import { encodedFile, formsFor, varyByEncoding, type Forms } from './file-representation.js';
import { errorBody, sendError, noteError } from './http-error.js';

/** A file as the cache has it. */
export interface FileRead {
  readonly metadata: FileMetadata;
  /** All of them, for small files only. */
  readonly bytes?: Buffer;
  readonly outcome: string;
  readonly ttl?: Seconds;
}

/** Bytes that were not in the entry. `outcome`: where they come from. */
export interface FileStream extends OpenedFile {
  readonly outcome: string;
}

export interface FilesRouteDeps {
  /** @throws GatewayError UNAUTHENTICATED, FORBIDDEN, or NOT_FOUND for what the viewer must not know of */
  authorise(request: FastifyRequest, path: string): Promise<void>;
  /** So many bytes are to be sent. Absent: nobody counts them. @throws GatewayError RATE_LIMITED */
  spendBytes?(request: FastifyRequest, bytes: Bytes): void;
  /** Through the cache; `null` if there is no such file. */
  readFile(path: string): Promise<FileRead | null>;
  /**
   * The bytes of exactly this version.
   * @throws FileChangedError if the store does not have it any more
   */
  openFile(file: FileMetadata, options: Pick<OpenOptions, 'range' | 'signal'>): Promise<FileStream>;
  /** Encoded forms of files; absent: all files are sent as they are. */
  readonly variants?: Pick<Variants, 'ready' | 'open' | 'want'>;
  /** `bytes` that were in memory are sent. */
  servedInline(bytes: Bytes): void;
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
  const forms = deps.variants && formsFor(request, file.metadata);
  if (forms) varyByEncoding(reply);
  const isSent = await sendEncoded(file, forms, request, reply, deps);
  return isSent ? reply : sendAsItIs(file, forms, request, reply, deps);
}

/** False: there is no form that this client takes. */
async function sendEncoded(
  { metadata, outcome, ttl }: FileRead,
  forms: Forms | undefined,
  request: FastifyRequest,
  reply: FastifyReply,
  deps: FilesRouteDeps,
): Promise<boolean> {
  const variant = forms && forms.codings.length > 0 ? deps.variants?.ready(metadata, forms.codings) : undefined;
  if (!forms || !variant) return false;
  const file = encodedFile(metadata, variant);
  const answer = fileAnswer(request.method, request.headers, file, forms.tags);
  if (hasBody(request, answer)) deps.spendBytes?.(request, file.size);
  const body = hasBody(request, answer) ? await deps.variants?.open(metadata, variant) : null;
  if (body === undefined) return false;
  const isStream = body !== null && !Buffer.isBuffer(body);
  sendHead(reply, file, answer, isStream ? cacheStatus('hit-disk') : cacheStatus(outcome, ttl));
  if (body && !isStream) deps.servedInline(body.length);
  if (answer.status === 412 || answer.status === 416) void refuse(answer.status, reply);
  else void reply.send(isStream ? sendable(body, file.size) : (body ?? undefined));
  return true;
}

async function sendAsItIs(
  file: FileRead,
  forms: Forms | undefined,
  request: FastifyRequest,
  reply: FastifyReply,
  deps: FilesRouteDeps,
): Promise<FastifyReply> {
  const { metadata, outcome, ttl } = file;
  const answer = fileAnswer(request.method, request.headers, metadata, forms?.tags);
  if (hasBody(request, answer)) deps.spendBytes?.(request, lengthOf(metadata, answer));
  const inline = hasBody(request, answer) ? inlineBody(file, answer) : undefined;
  const opened = hasBody(request, answer) && !inline ? await openBody(metadata, answer, reply, deps) : undefined;
  sendHead(reply, metadata, answer, opened ? cacheStatus(opened.outcome) : cacheStatus(outcome, ttl));
  if (answer.status === 412 || answer.status === 416) return refuse(answer.status, reply);
  const [coding] = forms?.codings ?? [];
  // What was here before it was asked for is asked for again and again.
  if (coding && (opened ?? inline) && isHit(opened?.outcome ?? outcome)) deps.variants?.want(metadata, coding, inline);
  if (opened) return reply.send(sendable(opened.body, lengthOf(metadata, answer)));
  if (inline) deps.servedInline(inline.length);
  return reply.send(inline);
}

function hasBody({ method }: FastifyRequest, { status }: FileAnswer): boolean {
  return method === 'GET' && (status === 200 || status === 206);
}

function sendHead(reply: FastifyReply, file: FileMetadata, answer: FileAnswer, status: string): void {
  void reply.code(answer.status).headers(fileHeaders(file, answer)).header('cache-status', status);
}

function inlineBody({ bytes, metadata }: FileRead, answer: FileAnswer): Buffer | undefined {
  if (bytes?.length !== metadata.size) return undefined;
  return answer.status === 206 ? bytes.subarray(answer.range.start, answer.range.end + 1) : bytes;
}

/** Opens exactly the version that the answer was decided for; gives up when the client goes away. */
async function openBody(file: FileMetadata, answer: FileAnswer, reply: FastifyReply, deps: FilesRouteDeps): Promise<FileStream> {
  const client = new AbortController();
  const leave = (): void => client.abort();
  reply.raw.once('close', leave);
  let isStreamed = false;
  try {
    const opened = await deps.openFile(file, { signal: client.signal, ...(answer.status === 206 && { range: answer.range }) });
    isStreamed = !(opened.body instanceof ReadyBody);
    return opened;
  } finally {
    if (!isStreamed) reply.raw.off('close', leave);
  }
}

/** Bytes that are here go out with their headers in one write. */
function sendable(body: Readable, length: Bytes): Buffer | Readable {
  return body instanceof ReadyBody && body.bytes.length === length ? body.bytes : checkedBody(body, length);
}

/** Fastify destroys the returned stream when the client goes away; the pipeline then destroys the source. */
function checkedBody(body: Readable, length: Bytes): Readable {
  const checked = exactLength(length);
  // Before the pipeline's own listener, so that a failure before the first byte is answered as one of the source.
  body.once('error', (error) => checked.destroy(sourceUnavailable('file store', error)));
  pipeline(body, checked, () => undefined);
  return checked;
}

function refuse(status: 412 | 416, reply: FastifyReply): FastifyReply {
  const body =
    status === 412
      ? errorBody('CONFLICT', 'The file is not the version that the request was made for.')
      : errorBody('BAD_USER_INPUT', 'The range must begin inside the file.');
  noteError(reply.request, body.error.code);
  return reply.send(body);
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
    'content-encoding',
    'cache-status',
  ];
  for (const name of names) {
    void reply.removeHeader(name);
    if (!reply.raw.headersSent) reply.raw.removeHeader(name);
  }
}
