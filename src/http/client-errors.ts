import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { errorBody, type ErrorBody } from './http-error.js';
import { isAnswerDue } from './pipelining.js';
import { DATA_HEADERS } from './security-headers.js';

/** An error as it is answered where Fastify does not answer. */
export interface Refusal extends Readonly<ErrorBody['error']> {
  readonly status: number;
}

const MALFORMED: Refusal = { status: 400, code: 'BAD_USER_INPUT', message: 'This is not a valid HTTP request.' };

const REFUSALS: ReadonlyMap<string, Refusal> = new Map([
  [
    'HPE_HEADER_OVERFLOW',
    { status: 431, code: 'BAD_USER_INPUT', message: 'The URL and the headers must have at most 16 KiB together.' },
  ],
  ['ERR_HTTP_REQUEST_TIMEOUT', { status: 408, code: 'BAD_USER_INPUT', message: 'The request did not arrive in time.' }],
  ['HPE_CHUNK_EXTENSIONS_OVERFLOW', { status: 413, code: 'BAD_USER_INPUT', message: 'The chunk extensions are too long.' }],
  [
    'HPE_INVALID_TRANSFER_ENCODING',
    { ...MALFORMED, message: 'A request must have either "Content-Length" or "Transfer-Encoding: chunked".' },
  ],
  [
    'HPE_UNEXPECTED_CONTENT_LENGTH',
    { ...MALFORMED, message: 'A request must have one "Content-Length", and none with "Transfer-Encoding".' },
  ],
]);

/** Answers what never became a request, in the form of all errors, and closes: where the next request begins is not known. */
export function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  // A second answer would be taken for that of another request.
  if (isAnswerDue(socket)) return void socket.destroy();
  refuseSocket(socket, REFUSALS.get(error.code ?? '') ?? MALFORMED);
}

/** Answers without a request, and closes. */
export function refuseSocket(socket: Socket, refusal: Refusal): void {
  socket.on('error', () => undefined);
  socket.end(refusalText(refusal), () => socket.destroySoon());
}

/** The whole answer, with the headers that every answer has and `others`; the last of its connection. */
export function refusalText({ status, code, message }: Refusal, others: Readonly<Record<string, string>> = {}): string {
  const body = JSON.stringify(errorBody(code, message));
  const head = {
    ...DATA_HEADERS,
    'cache-control': 'no-store',
    'content-type': 'application/json; charset=utf-8',
    'content-length': String(Buffer.byteLength(body)),
    ...(status === 429 && { 'retry-after': '1' }),
    connection: 'close',
    ...others,
  };
  const lines = Object.entries(head).map(([name, value]) => `${name}: ${value}`);
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('\r\n')}\r\n\r\n${body}`;
}
