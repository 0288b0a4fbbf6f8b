import type { IncomingMessage } from 'node:http';
import { GraphQLError, OperationTypeNode, type DocumentNode, type ExecutionResult, type GraphQLFormattedError } from 'graphql';
import type { SubscribePayload } from 'graphql-ws';
import type { WebSocket } from 'ws';
import { GatewayError } from '../errors.js';
import type { Asker, OperationRequest, OperationText } from '../graphql/operations.js';
import type { DropReason } from '../telemetry/metrics.js';
import { MIB, type Bytes } from '../units.js';
import { Backlog } from './backlog.js';
import type { LiveConnection } from './connections.js';
import { onExpiry } from './expiry.js';
import { describeError } from './http-error.js';
import { authorizationOf } from './identity.js';
import { LiveSubscription } from './live-subscription.js';
import { cutLater, EXPIRED, TOO_SLOW, type LiveDeps } from './live.js';
import { OperationSlots } from './operation-slots.js';
import type { ConnectionRates } from './rate-connection.js';
import { DONE, silent, type Silent } from './silent-iterator.js';
import { singleAnswer, type SingleAnswer } from './single-answer.js';

/** Beside those of RFC 6455 and of graphql-transport-ws; docs/live.md lists all. */
export const CLOSE = {
  badMessage: 4400,
  unauthenticated: 4401,
  expired: 4403,
  tooSlow: 4413,
  internal: 4500,
  goingAway: 1001,
  tryAgain: 1013,
};

/** The most operations of one connection that run at a time. */
const OPERATIONS_MAX = 100;
/** Answers of queries and pongs that the client has not taken. */
const UNSENT_MAX: Bytes = 16 * MIB;
const NO_TOKEN = 'A token is needed: send {"authorization": "Bearer <token>"} with connection_init.';

/** What the protocol runs; made when the operation has arrived. */
export type Running =
  | { readonly type: 'subscription'; readonly begun: Promise<Silent> }
  | { readonly type: 'operation'; readonly answer: () => SingleAnswer };

interface Subscribing {
  readonly id: string;
  readonly document: DocumentNode;
  readonly request: OperationText;
  readonly asker: Asker;
  /** To be called when the subscription has ended, or did not begin. */
  readonly free: () => void;
}

/** One WebSocket: who is at its other end, and what goes out to there. */
export class WebSocketConnection implements LiveConnection {
  readonly transport = 'websocket';
  private readonly backlog = new Backlog();
  private readonly slots = new OperationSlots(OPERATIONS_MAX);
  private readonly beginning = new Set<Promise<unknown>>();
  private asker: Asker | undefined;
  private stopExpiry: (() => void) | undefined;
  private isAlive = true;
  private isEnding = false;
  private role: string | undefined;

  constructor(
    private readonly socket: WebSocket,
    private readonly request: IncomingMessage,
    private readonly peer: { readonly base: string; readonly rates: ConnectionRates },
    private readonly deps: LiveDeps,
  ) {
    socket.on('pong', () => (this.isAlive = true));
    socket.once('close', () => this.stopExpiry?.());
  }

  /** For the log. */
  get notes(): { role?: string } {
    return this.role === undefined ? {} : { role: this.role };
  }

  /**
   * Learns who the client is: from the payload of `connection_init`, or else from the header of the upgrade request.
   * @returns false: it was sent away, or went away
   */
  async authenticate(params: Readonly<Record<string, unknown>> = {}): Promise<boolean> {
    const { sessions, time, log } = this.deps;
    try {
      const given = params.authorization ?? params.Authorization ?? authorizationOf(this.request);
      if (typeof given !== 'string') throw new GatewayError('UNAUTHENTICATED', NO_TOKEN);
      const { viewer, expiresAt } = await this.peer.rates.prove(given, () => sessions.callerBy(given));
      if (this.socket.readyState !== this.socket.OPEN) return false;
      if (expiresAt !== undefined)
        this.stopExpiry = onExpiry(expiresAt, time, () => this.drop('expired', CLOSE.expired, EXPIRED));
      this.asker = sessions.asker(viewer, this.peer.base, log);
      this.role = viewer.role;
      return true;
    } catch (error) {
      const { code, message } = describeError(error);
      this.end(code === 'SOURCE_UNAVAILABLE' || code === 'RATE_LIMITED' ? CLOSE.tryAgain : CLOSE.unauthenticated, message);
      return false;
    }
  }

  /** Begins what the client asks for. */
  prepare(id: string, payload: SubscribePayload): { document: DocumentNode; running: Running } | GraphQLError[] {
    const { asker } = this;
    if (!asker) throw new Error('must be authenticated before it asks');
    if (this.slots.areFull) return [tooManyOperations()];
    const prepared = this.deps.operations.prepare(requestOf(payload));
    if (prepared.kind === 'refused') return [...prepared.errors];
    const { document, type, request } = prepared;
    const problem = this.rateProblem(prepared.cost);
    if (problem) return [problem];
    const free = this.slots.take();
    if (type !== OperationTypeNode.SUBSCRIPTION) {
      return { document, running: { type: 'operation', answer: () => this.answer(request, asker, free) } };
    }
    // The protocol would send an error as an event; a stream that fails at once is what it sends as an error.
    const subscribed = this.subscribe({ id, document, request, asker, free });
    const begun = subscribed.catch(() => silent(subscribed.then(() => DONE)));
    this.beginning.add(begun);
    void begun.then(() => this.beginning.delete(begun));
    return { document, running: { type: 'subscription', begun } };
  }

  private rateProblem(cost: number): GraphQLError | undefined {
    try {
      this.peer.rates.spend(cost);
      return undefined;
    } catch (error) {
      return new GraphQLError(describeError(error).message, { originalError: error as Error });
    }
  }

  /** What the client is told of errors. */
  describe(errors: readonly GraphQLError[]): readonly GraphQLFormattedError[] {
    return errors.flatMap((error) => this.deps.operations.describe(error.originalError ?? error));
  }

  /** Sends an answer; to a client that takes none, nothing more. */
  send(text: string): void {
    if (this.socket.readyState !== this.socket.OPEN) return;
    if (this.socket.bufferedAmount > UNSENT_MAX) this.drop('slow', CLOSE.tooSlow, TOO_SLOW);
    else this.socket.send(text);
  }

  /** Says why, and closes; a client that does not close its side is cut off. */
  end(code: number, reason: string): void {
    if (this.isEnding || this.socket.readyState === this.socket.CLOSED) return;
    this.isEnding = true;
    this.socket.close(code, shortened(reason));
    cutLater(this.socket, this.deps.time, () => this.socket.terminate());
  }

  beat(): void {
    if (this.isAlive) {
      this.isAlive = false;
      if (this.socket.readyState === this.socket.OPEN) this.socket.ping();
    } else {
      this.deps.metrics.liveDropped('gone');
      this.socket.terminate();
    }
  }

  goAway(): void {
    this.socket.close(CLOSE.goingAway, 'This gateway is shutting down; connect again.');
  }

  cut(): void {
    this.socket.terminate();
  }

  private drop(reason: DropReason, code: number, words: string): void {
    this.deps.metrics.liveDropped(reason);
    this.end(code, words);
  }

  /**
   * What was asked after a subscription is answered when that has begun, so no change falls in between. An operation whose
   * client waits no more is ended, as one by HTTP is whose client has gone; so a change that has begun is made.
   */
  private answer(request: OperationText, asker: Asker, free: () => void): SingleAnswer {
    let hasLeft = false;
    let end = (): void => undefined;
    const answer = Promise.all(this.beginning).then(() =>
      this.deps.operations.answer(request, asker, (clientGone) => {
        end = clientGone;
        if (hasLeft) end();
      }),
    );
    // What is wrong with an operation is in its answer; so this is not the client's.
    answer.catch((error: unknown) => this.deps.log.error({ err: error }, 'operation failed'));
    return singleAnswer((answer as Promise<ExecutionResult>).finally(free), () => {
      hasLeft = true;
      end();
    });
  }

  /**
   * The events go straight to the socket, as texts that all equal subscriptions share. The iterator, which the protocol
   * waits for, yields none of them; it ends with the subscription.
   */
  private async subscribe({ id, document, request, asker, free }: Subscribing): Promise<Silent> {
    const head = `{"id":${JSON.stringify(id)},"type":"next","payload":`;
    const begun = LiveSubscription.begin(document, request, asker, this.deps, (text) => this.event(`${head}${text}}`));
    begun.catch(free);
    const subscription = await begun;
    this.send(JSON.stringify({ type: 'ping', payload: { subscribed: id } }));
    const over = subscription.over.finally(free).then(() => DONE);
    return silent(over, () => {
      subscription.leave();
      // At once: the next message may ask for another one.
      free();
    });
  }

  private event(text: string): void {
    if (this.socket.readyState !== this.socket.OPEN) return;
    if (this.backlog.isFull) this.drop('slow', CLOSE.tooSlow, TOO_SLOW);
    else this.socket.send(text, this.backlog.add(text.length));
  }
}

function requestOf({ query, operationName, variables, extensions }: SubscribePayload): OperationRequest {
  const { persistedQuery } = (extensions ?? {}) as { persistedQuery?: { sha256Hash?: unknown } | null };
  const hash = persistedQuery?.sha256Hash;
  return {
    query,
    hash: typeof hash === 'string' ? hash : undefined,
    operationName: operationName ?? undefined,
    variables: variables ?? undefined,
  };
}

function tooManyOperations(): GraphQLError {
  const error = new GatewayError('RATE_LIMITED', `A connection may have at most ${OPERATIONS_MAX} operations at a time.`);
  return new GraphQLError(error.message, { originalError: error });
}

/** RFC 6455 §5.5.1: at most 123 bytes. */
function shortened(reason: string): string {
  return reason.replace(/[^\x20-\x7e]/g, '?').slice(0, 123);
}
