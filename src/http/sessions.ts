import { randomUUID } from 'node:crypto';
import type { FastifyBaseLogger, FastifyRequest } from 'fastify';
import { authorise, sightOf } from '../access/policy.js';
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
import { OperationEnd } from '../graphql/operation-end.js';
import type { Asker } from '../graphql/operations.js';
import type { LiveOrders } from '../live/live-orders.js';
import type { Caches } from '../loaders/caches.js';
import { AuditReads, type ReadAudit } from '../loaders/audit-reads.js';
import { FileReads } from '../loaders/file-reads.js';
import { createLoaders, recorded, type Loaders } from '../loaders/loaders.js';
import { OrderReads, type OrderReadParts } from '../loaders/order-reads.js';
import type { Metrics } from '../telemetry/metrics.js';
import { signedAccess } from './file-signature.js';
import { describeError, noteError } from './http-error.js';
import { partyOf } from './rate-limits.js';
import { authorizationOf, type Caller, type Identity } from './identity.js';

export interface SessionParts {
  readonly identity: Identity;
  readonly caches: Caches;
  readonly answers: ReadyAnswers<Loaders>;
  readonly commands: Commands;
  readonly orderParts: OrderReadParts;
  readonly readAudit: ReadAudit;
  readonly live: LiveOrders;
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
    const { viewer } = await this.callerOf(request).catch((error: unknown) => {
      const { status, code } = describeError(error);
      noteError(request, code);
      throw asGraphqlError(error, status);
    });
    const trace = new OperationTrace(this.parts.metrics, partyOf(viewer));
    request.notes.role = viewer.role;
    request.notes.viewer = viewer;
    request.notes.cache = trace;
    const debug = isOn(request.headers['x-cache-debug']);
    return {
      ...this.contextOf(viewer, trace, baseOf(request), request),
      cacheReport: () => reportOf(trace, viewer, debug),
      debug,
      note: (note) => void Object.assign(request.notes, note),
    };
  }

  /** Who sent `request`. @throws GatewayError UNAUTHENTICATED, BAD_USER_INPUT, SOURCE_UNAVAILABLE */
  async callerOf({ raw }: Pick<FastifyRequest, 'raw'>): Promise<Caller> {
    return this.parts.identity.callerOf(authorizationOf(raw));
  }

  /** Who holds the token of `authorization`, which did not come as a header. @throws GatewayError as `callerOf` */
  callerBy(authorization: string): Promise<Caller> {
    return this.parts.identity.callerOf(authorization);
  }

  /** Who asks over a connection that stays open. `base`: scheme and host that its client reached. */
  asker(viewer: Viewer, base: string, log: FastifyBaseLogger): Asker {
    return {
      scope: JSON.stringify([base, scopeOf(viewer)]),
      context: () =>
        this.contextOf(viewer, new OperationTrace(this.parts.metrics, partyOf(viewer)), base, { id: randomUUID(), log }),
    };
  }

  /**
   * Whether the request may have the bytes at `path`: by its URL's signature, or by its token.
   * @throws GatewayError UNAUTHENTICATED, FORBIDDEN; NOT_FOUND for what the viewer may not see
   */
  async authoriseFile(request: FastifyRequest, path: string): Promise<void> {
    if (signedAccess(this.parts.signer, request.raw.url ?? '', path)) return;
    const { viewer } = await this.callerOf(request);
    request.notes.role = viewer.role;
    request.notes.viewer = viewer;
    authorise(viewer, 'read-files');
    const files = new FileReads(viewer, createLoaders(this.parts.caches, this.parts.metrics));
    if (!(await files.maySee(path))) throw new GatewayError('NOT_FOUND', 'There is no such file.');
  }

  private contextOf(
    viewer: Viewer,
    trace: OperationTrace,
    base: string,
    { id, log }: Pick<FastifyRequest, 'id' | 'log'>,
  ): Context {
    const { caches, commands, live, orderParts, readAudit } = this.parts;
    const end = new OperationEnd();
    const loaders = createLoaders(caches, trace, end.signal);
    const recording = new Recording(loaders);
    const noting = recorded(recording);
    return {
      commands: commands.of(viewer, trace, id),
      orders: new OrderReads(viewer, noting, orderParts, recording),
      files: new FileReads(viewer, noting),
      audit: new AuditReads(viewer, readAudit, { trace, notes: recording, signal: end.signal }),
      events: live.of(viewer),
      urls: onceOnly(this.urls(viewer, base), recording),
      answers: this.answers(viewer, loaders, recording),
      cacheReport: () => reportOf(trace, viewer, false),
      logError: (error) => log.error({ err: error }, 'operation failed'),
      note: () => undefined,
      debug: false,
      end,
    };
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

  private urls(viewer: Viewer, base: string) {
    return createFileUrls({
      base: this.parts.publicUrl ?? base,
      scope: scopeOf(viewer),
      signer: this.parts.signer,
      presign: this.parts.presign,
    });
  }
}

/** Scheme and host as the client named them. */
export function baseOf({ protocol, host }: Pick<FastifyRequest, 'protocol' | 'host'>): string {
  return `${protocol}://${host}`;
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
  return sightOf(viewer, 'read-costs') === 'all' ? trace.summary() : { stale: trace.isStale };
}

function isOn(header: string | string[] | undefined): boolean {
  return typeof header === 'string' && /^(1|true|yes|on)$/i.test(header);
}
