import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { GatewayError } from '../errors.js';
import type { BodyDeadlines } from './upload-deadline.js';

/** The most requests of one connection that wait for others; Node itself reads no more only where answers pile up. */
const WAITING_MAX = 100;
const SAFE: ReadonlySet<string | undefined> = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Keeps the order of requests that a client sends without waiting for answers (RFC 9112 §9.3.2): safe ones may be answered side
 * by side, but one that may change something begins after all before it, and ends before those behind it begin. So whoever
 * sends `PUT` and `GET` in one go gets the new bytes.
 */
export function orderPipelined(app: FastifyInstance, deadlines: BodyDeadlines): void {
  const lines = new WeakMap<Socket, Line>();
  app.addHook('onRequest', ({ raw: request }, { raw: response }, next) => {
    const line = lines.get(request.socket) ?? new Line(request.socket);
    lines.set(request.socket, line);
    if (line.begins(request, response)) return next();
    if (line.isFull) return next(tooMany());
    // Its body is not taken meanwhile, so it may not be slow by the client's fault.
    deadlines.lift(request);
    line.wait(request, response, () => {
      deadlines.start(request);
      next();
    });
  });
}

interface Waiting {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly go: () => void;
}

/**
 * The requests of one connection. Invariant: of those that have begun and are not answered yet, either all are safe, or there
 * is one; and none has begun while one that came before it waits.
 */
class Line {
  private begun = 0;
  private changing = false;
  private readonly queue: Waiting[] = [];

  constructor(private readonly socket: Socket) {}

  get isFull(): boolean {
    return this.queue.length >= WAITING_MAX;
  }

  /** Whether `request` may begin now, and then has. */
  begins(request: IncomingMessage, response: ServerResponse): boolean {
    return this.queue.length === 0 && this.tries(request, response);
  }

  /** `go` is called when `request` begins, and never once the connection takes no answer any more. */
  wait(request: IncomingMessage, response: ServerResponse, go: () => void): void {
    this.queue.push({ request, response, go });
  }

  private tries({ method }: IncomingMessage, response: ServerResponse): boolean {
    const isSafe = SAFE.has(method);
    if (this.changing || (this.begun > 0 && !isSafe)) return false;
    this.begun += 1;
    this.changing = !isSafe;
    response.once('close', () => {
      this.begun -= 1;
      this.changing = false;
      this.advance();
    });
    return true;
  }

  private advance(): void {
    for (let next = this.queue[0]; next && this.socket.writable; next = this.queue[0]) {
      if (!this.tries(next.request, next.response)) return;
      this.queue.shift();
      next.go();
    }
  }
}

function tooMany(): GatewayError {
  return new GatewayError('RATE_LIMITED', `A connection may have at most ${WAITING_MAX} requests that wait for others.`);
}
