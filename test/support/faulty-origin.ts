import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Bytes } from '../../src/units.js';

/** What is done to one answer. */
export interface Fault {
  /** Instead of the server's answer; `code` is that of S3's error body. */
  readonly status?: number;
  readonly code?: string;
  /** Nothing is answered, and the connection stays open. */
  readonly silent?: true;
  /** The request is taken whole, and then the connection is reset before the server is asked. */
  readonly dropped?: true;
  /** As `dropped`, but the server was asked and has answered. */
  readonly answerLost?: true;
  /** So much of the body is passed on. */
  readonly after?: Bytes;
  /** What happens then; `end` ends a body that had announced no length, as if it were whole. */
  readonly then?: 'reset' | 'end' | 'silence';
  /** Comes behind the body, which then has no announced length. */
  readonly extra?: Buffer;
  /** In the place of the server's. */
  readonly headers?: OutgoingHttpHeaders;
  /** Before the server is asked. */
  readonly before?: () => Promise<unknown>;
}

export interface SeenRequest {
  readonly method: string;
  readonly range: string | undefined;
  readonly ifMatch: string | undefined;
}

/** An HTTP proxy in front of one server which does to each answer what `plan` says; without a plan left, nothing. */
export interface FaultyOrigin {
  readonly url: string;
  /** Taken from the front, one for each request. */
  readonly plan: (Fault | undefined)[];
  readonly seen: SeenRequest[];
  /** Forgets what was planned and seen. */
  reset(): void;
  close(): Promise<void>;
}

export async function startFaultyOrigin(target: string): Promise<FaultyOrigin> {
  const plan: (Fault | undefined)[] = [];
  const seen: SeenRequest[] = [];
  const server = createServer((incoming, outgoing) => {
    seen.push({ method: incoming.method ?? '', range: incoming.headers.range, ifMatch: incoming.headers['if-match'] });
    outgoing.on('error', () => undefined);
    answer(new URL(target), incoming, outgoing, plan.shift() ?? {}).catch(() => outgoing.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    plan,
    seen,
    reset: () => {
      plan.length = 0;
      seen.length = 0;
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function answer(target: URL, incoming: IncomingMessage, outgoing: ServerResponse, fault: Fault): Promise<void> {
  if (fault.silent) return;
  if (fault.dropped) {
    incoming.resume().on('end', () => incoming.socket.resetAndDestroy());
    return;
  }
  if (fault.status !== undefined) {
    incoming.resume();
    const body = incoming.method === 'HEAD' ? '' : `<Error><Code>${fault.code ?? 'Trouble'}</Code></Error>`;
    outgoing.writeHead(fault.status, { 'content-type': 'application/xml', 'content-length': body.length }).end(body);
    return;
  }
  await fault.before?.();
  const from = await passOn(target, incoming);
  if (fault.answerLost) incoming.socket.resetAndDestroy();
  else passBack(from, outgoing, fault);
}

/** The host stays as the client wrote it, because it is signed. */
async function passOn(target: URL, incoming: IncomingMessage): Promise<IncomingMessage> {
  const { method, url: path, headers } = incoming;
  const { expect: _expect, ...passed } = headers;
  const onward = request({ host: target.hostname, port: target.port, method, path, headers: passed });
  incoming.pipe(onward);
  const [from] = (await once(onward, 'response')) as [IncomingMessage];
  return from;
}

function passBack(from: IncomingMessage, outgoing: ServerResponse, { after = Infinity, then, extra, headers }: Fault): void {
  const announced: OutgoingHttpHeaders = { ...from.headers, ...headers };
  if (then === 'end' || extra) delete announced['content-length'];
  outgoing.writeHead(from.statusCode ?? 502, announced);
  let left = after;
  const cut = (): void => {
    if (then === 'reset') outgoing.socket?.destroy();
    if (then === 'end') outgoing.end();
  };
  if (left <= 0) outgoing.write('', cut);
  from.on('data', (chunk: Buffer) => {
    if (left <= 0) return;
    const part = chunk.subarray(0, left);
    left -= part.length;
    outgoing.write(part, left <= 0 ? cut : undefined);
  });
  from.on('end', () => {
    if (left > 0) outgoing.end(extra);
  });
}
