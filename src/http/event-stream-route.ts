import type { OutgoingHttpHeaders } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { OperationTypeNode } from 'graphql';
import { authorise } from '../access/policy.js';
import type { Prepared } from '../graphql/operations.js';
import { EventStream } from './event-stream.js';
import { operationOf } from './event-stream-request.js';
import { onExpiry } from './expiry.js';
import type { Caller } from './identity.js';
import { EXPIRED, type LiveDeps } from './live.js';
import { LiveSubscription } from './live-subscription.js';
import { MethodError } from './http-error.js';
import { askingOf } from './rate-hooks.js';
import { baseOf } from './sessions.js';

/** What came, and who sent it. */
interface Asked {
  readonly prepared: Prepared;
  readonly caller: Caller;
  readonly base: string;
}

/**
 * Answers an operation as server-sent events: a subscription until it ends, a query or a mutation by one event.
 * @throws GatewayError as long as an ordinary answer can be sent
 */
export async function answerByEvents(request: FastifyRequest, reply: FastifyReply, deps: LiveDeps): Promise<void> {
  const refusal = deps.connections.refusal();
  if (refusal) throw refusal;
  const asked = await read(request, deps);
  // Meanwhile the gateway may have begun to shut down.
  const late = deps.connections.refusal();
  if (late) throw late;
  if (request.notes.rate) void reply.headers(deps.rates.headers(request.notes.rate.notes));
  const { raw } = reply.hijack();
  const stream = new EventStream(raw, reply.getHeaders() as OutgoingHttpHeaders, deps);
  const forget = deps.connections.add(stream);
  raw.once('close', forget);
  // A client that went away meanwhile has no close any more.
  if (raw.destroyed) return forget();
  try {
    await answer(asked, stream, (leave) => void raw.once('close', leave), deps);
    stream.complete();
  } catch (error) {
    stream.fail(deps.operations.describe(error));
  }
}

async function read(request: FastifyRequest, deps: LiveDeps): Promise<Asked> {
  const { operations, sessions } = deps;
  const caller = await sessions.callerOf(request);
  const prepared = operations.prepare(operationOf(request));
  const type = prepared.kind === 'operation' ? prepared.type : undefined;
  if (type === OperationTypeNode.SUBSCRIPTION) authorise(caller.viewer, 'watch-orders');
  if (type === OperationTypeNode.MUTATION && request.method === 'GET') {
    throw new MethodError('A mutation must be sent by POST, but came by GET.', 'POST');
  }
  request.notes.role = caller.viewer.role;
  request.notes.viewer = caller.viewer;
  charge(request, prepared, deps);
  request.notes.isLive = true;
  return { prepared, caller, base: baseOf(request) };
}

/** @throws GatewayError RATE_LIMITED */
function charge(request: FastifyRequest, prepared: Prepared, deps: LiveDeps): void {
  const notes = request.notes.rate?.notes;
  if (!notes || prepared.kind !== 'operation') return;
  deps.rates.spend(askingOf(request), prepared.cost, notes);
}

/** Resolves when nothing more will come. @throws SubscriptionError; GatewayError if events may have been missed */
async function answer(
  { prepared, caller, base }: Asked,
  stream: EventStream,
  onClose: (leave: () => void) => void,
  deps: LiveDeps,
): Promise<void> {
  const asker = deps.sessions.asker(caller.viewer, base, deps.log);
  if (prepared.kind === 'refused') return stream.fail(deps.operations.format(prepared.errors));
  if (prepared.type !== OperationTypeNode.SUBSCRIPTION) {
    return stream.next(JSON.stringify(await deps.operations.answer(prepared.request, asker, onClose)));
  }
  const closed = { is: false };
  onClose(() => (closed.is = true));
  const subscription = await LiveSubscription.begin(prepared.document, prepared.request, asker, deps, (text) =>
    stream.next(text),
  );
  if (closed.is) return subscription.leave();
  onClose(() => subscription.leave());
  if (caller.expiresAt !== undefined) {
    onClose(onExpiry(caller.expiresAt, deps.time, () => stream.drop('expired', EXPIRED_ERROR)));
  }
  stream.begin();
  await subscription.over;
}

const EXPIRED_ERROR = { message: EXPIRED, extensions: { code: 'UNAUTHENTICATED' } };
