import type { IncomingMessage } from 'node:http';
import type { FastifyPluginCallback, FastifyReply, FastifyRequest } from 'fastify';
import type { Viewer } from '../access/viewer.js';
import { authorise } from '../access/policy.js';
import type { ViewerCommands } from '../changes/commands.js';
import { contentTypeOf } from '../files/content-type.js';
import { FileChangedError, type FileMetadata, type PutResult } from '../files/file.js';
import { httpDate } from '../files/http-date.js';
import { encodeFilePath, filePathOfUrl } from '../files/path.js';
import { SNIFFED, sniffProblem } from '../files/sniff.js';
import { systemTime } from '../time.js';
import { SECOND, type Bytes, type Milliseconds } from '../units.js';
import { isExpectant } from './expectation.js';
import { errorBody, sendError, noteError } from './http-error.js';
import { UploadStalledError, uploadBodyOf } from './upload-body.js';
import type { BodyDeadlines } from './upload-deadline.js';
import { uploadConditions, uploadSize, type UploadRefusal } from './upload-request.js';

export interface UploadRouteDeps {
  /** @throws GatewayError UNAUTHENTICATED, SOURCE_UNAVAILABLE */
  viewerOf(request: FastifyRequest): Promise<Viewer>;
  /** Straight from the store. */
  head(path: string): Promise<FileMetadata | null>;
  commandsOf(viewer: Viewer, requestId: string): Pick<ViewerCommands, 'putFile'>;
  readonly uploadMax: Bytes;
}

/** Client's silence in the middle of an upload. */
const SILENCE_MAX: Milliseconds = 30 * SECOND;
/** How long a client that was refused may go on sending, before its connection is cut. */
const LINGER: Milliseconds = 5 * SECOND;

const CHANGED: UploadRefusal = { status: 412, message: 'The file is not what the upload was made for.' };

/**
 * `PUT /files/<path>`: the body becomes the file, whole or not at all. Invariant: it is acknowledged only after the store has
 * it for good and its token was renewed, in this order; so whoever reads after the acknowledgement gets the new bytes. What
 * can be refused is refused before the body is read.
 */
export const uploadRoute: FastifyPluginCallback<UploadRouteDeps & { readonly deadlines: BodyDeadlines }> = (app, deps, done) => {
  app.setErrorHandler((error, request, reply) => {
    const refusal = refusalOf(error);
    return refusal ? refuse(refusal, reply) : sendError(error, request, reply);
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, _body, parsed) => parsed(null));
  const told = new WeakSet<IncomingMessage>();
  app.addHook('onSend', (request, reply, _payload, next) => {
    // No body is on its way, and none will be: what came next could be taken for it.
    if (isExpectant(request.raw) && !told.has(request.raw)) void reply.header('connection', 'close');
    next();
  });
  app.addHook('onResponse', (request, _reply, next) => {
    // Reads on, so that the client gets to see the answer (RFC 9112 §9.6), but not for long.
    deps.deadlines.start(request.raw, LINGER);
    request.raw.resume();
    next();
  });
  app.put('/files/*', async (request, reply) => {
    const path = filePathOfUrl(request.raw.url ?? '');
    const viewer = await deps.viewerOf(request);
    request.notes.role = viewer.role;
    request.notes.viewer = viewer;
    authorise(viewer, 'write-files');
    const asked = uploadSize(path, request.headers, deps.uploadMax);
    if ('status' in asked) return refuse(asked, reply);
    const conditions = uploadConditions(request.headers, await deps.head(path));
    if (conditions === 'failed') return refuse(CHANGED, reply);
    deps.deadlines.lift(request.raw);
    // It is told only now, when the upload is sure to be read.
    if (isExpectant(request.raw)) {
      told.add(request.raw);
      reply.raw.writeContinue();
    }
    const body = uploadBodyOf(request.raw, SILENCE_MAX, systemTime);
    try {
      const problem = sniffProblem(path, await body.head(SNIFFED), asked.size);
      if (problem) return await refuse({ status: 415, message: problem }, reply);
      const options = { ...conditions, size: asked.size, contentType: contentTypeOf(path) };
      const made = await deps.commandsOf(viewer, request.id).putFile(path, body.stream(), options);
      return await acknowledge(made, reply);
    } finally {
      body.release();
    }
  });
  done();
};

function acknowledge({ metadata, etagBefore }: PutResult, reply: FastifyReply): FastifyReply {
  const { path, etag, lastModified } = metadata;
  const isNew = etagBefore === null;
  if (isNew) void reply.header('location', `/files/${encodeFilePath(path)}`);
  return reply
    .code(isNew ? 201 : 204)
    .headers({ etag, 'last-modified': httpDate(lastModified) })
    .send();
}

function refuse({ status, message }: UploadRefusal, reply: FastifyReply): FastifyReply {
  const code = status === 412 ? 'CONFLICT' : 'BAD_USER_INPUT';
  noteError(reply.request, code);
  return reply.code(status).send(errorBody(code, message));
}

function refusalOf(error: unknown): UploadRefusal | undefined {
  if (error instanceof FileChangedError) return CHANGED;
  return error instanceof UploadStalledError ? { status: 408, message: 'The upload did not go on.' } : undefined;
}
