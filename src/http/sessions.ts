import type { FastifyRequest } from 'fastify';
import { authorise } from '../access/policy.js';
import { scopeOf, type Viewer } from '../access/viewer.js';
import { OperationTrace } from '../cache/operation-trace.js';
import { Recording, type ReadyAnswers } from '../cache/ready-answers.js';
import type { Commands } from '../changes/commands.js';
import { GatewayError } from '../errors.js';
import type { FileSource } from '../files/file.js';
import type { UrlSigner } from '../files/signed-url.js';
import { createFileUrls, type FileUrls } from '../files/urls.js';
import type { AnswersOfViewer, Context } from '../graphql/context.js';
import { asGraphqlError } from '../graphql/errors.js';
import type { Caches } from '../loaders/caches.js';
import { FileReads } from '../loaders/file-reads.js';
import { createLoaders, recorded, type Loaders } from '../loaders/loaders.js';
import { OrderReads, type OrderReadParts } from '../loaders/order-reads.js';
import type { Metrics } from '../telemetry/metrics.js';
import { signedAccess } from './file-signature.js';
import { describeError } from './http-error.js';
import type { Identity } from './identity.js';

export interface SessionParts {
  readonly identity: Identity;
  readonly caches: Caches;
  readonly answers: ReadyAnswers<Loaders>;
  readonly commands: Commands;
  readonly orderParts: OrderReadParts;
  readonly signer: UrlSigner;
  readonly presign: FileSource['presign'];
  readonly metrics: Metrics;
  /** Where clients reach the gateway, if that is not what their requests say. */
  readonly publicUrl?: string;
}

/** Makes what one request works with: who asks, and loaders that live as long as the request. */
export class Sessions {
  constructor(private readonly parts: SessionParts) {}

  async graphqlContext(request: FastifyRequest): Promise<Context> {
    const { caches, commands, orderParts } = this.parts;
    const viewer = await this.viewer(request).catch((error: unknown) => {
      throw asGraphqlError(error, describeError(error).status);
    });
    const trace = new OperationTrace(this.parts.metrics);
    const loaders = createLoaders(caches, trace);
    const recording = new Recording(loaders);
    const noting = recorded(recording);
    request.notes.role = viewer.role;
    request.notes.cache = trace;
    return {
      commands: commands.of(viewer, trace),
      orders: new OrderReads(viewer, noting, orderParts, recording),
      files: new FileReads(viewer, noting),
      urls: onceOnly(this.urls(request, viewer), recording),
      answers: this.answers(viewer, loaders, recording),
      cacheReport: () => reportOf(trace, viewer, isOn(request.headers['x-cache-debug'])),
      logError: (error) => request.log.error({ err: error }, 'operation failed'),
      named: (operation) => {
        request.notes.operation = operation;
      },
    };
  }

  /**
   * Whether the request may have the bytes at `path`: by its URL's signature, or by its token.
   * @throws GatewayError UNAUTHENTICATED, FORBIDDEN; NOT_FOUND for what the viewer may not see
   */
  async authoriseFile(request: FastifyRequest, path: string): Promise<void> {
    if (signedAccess(this.parts.signer, request.raw.url ?? '', path)) return;
    const viewer = await this.viewer(request);
    request.notes.role = viewer.role;
    authorise(viewer, 'read-files');
    const files = new FileReads(viewer, createLoaders(this.parts.caches, this.parts.metrics));
    if (!(await files.maySee(path))) throw new GatewayError('NOT_FOUND', 'There is no such file.');
  }

  private viewer(request: FastifyRequest): Promise<Viewer> {
    return this.parts.identity.viewerOf(request.headers.authorization);
  }

  private answers(viewer: Viewer, loaders: Loaders, recording: Recording<Loaders>): AnswersOfViewer {
    const { answers, metrics } = this.parts;
    const scope = scopeOf(viewer);
    return {
      find: async (document, variables) => {
        const body = await answers.find({ document, variables, scope }, loaders);
        if (body !== undefined) metrics.readyAnswer();
        return body;
      },
      keep: (document, variables, body) => answers.keep({ document, variables, scope }, recording, body),
    };
  }

  private urls(request: FastifyRequest, viewer: Viewer) {
    return createFileUrls({
      base: this.parts.publicUrl ?? `${request.protocol}://${request.host}`,
      scope: scopeOf(viewer),
      signer: this.parts.signer,
      presign: this.parts.presign,
    });
  }
}

/** URLs expire, and are of the host that the request named. */
function onceOnly(urls: FileUrls, recording: Recording<Loaders>): FileUrls {
  return {
    gateway: (path, expiresIn) => {
      recording.onlyNow();
      return urls.gateway(path, expiresIn);
    },
    store: (path, expiresIn) => {
      recording.onlyNow();
      return urls.store(path, expiresIn);
    },
  };
}

/**
 * What is stale is never silently so. The rest is for those who asked, and for partners only that much: outcomes would show
 * them whether something of others exists.
 */
function reportOf(trace: OperationTrace, viewer: Viewer, asked: boolean): object | undefined {
  if (!asked && !trace.isStale) return undefined;
  return viewer.role === 'operator' || viewer.role === 'service' ? trace.summary() : { stale: trace.isStale };
}

function isOn(header: string | string[] | undefined): boolean {
  return typeof header === 'string' && /^(1|true|yes|on)$/i.test(header);
}
