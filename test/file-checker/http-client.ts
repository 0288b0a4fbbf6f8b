import { Agent, request, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import { encodeFilePath } from '../../src/files/path.js';
import type { Bytes, Milliseconds } from '../../src/units.js';
import { PATIENCE } from './bounds.js';

const agent = new Agent({ keepAlive: true, maxSockets: 64 });

export interface FileRequest {
  readonly port: number;
  readonly token: string;
  readonly path: string;
  readonly method?: 'GET' | 'HEAD' | 'PUT';
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: Buffer;
  /** A reader that rests so long after each piece. */
  readonly pause?: Milliseconds;
  /** A reader that goes away when it has got so many bytes. */
  readonly leaveAfter?: Bytes;
  /** A sender that goes away when it has sent so many bytes. */
  readonly breakAfter?: Bytes;
  /** Called with the number of bytes of the body that have arrived, as they do. */
  readonly onBytes?: (count: Bytes) => void;
}

export interface FileResponse {
  /** `undefined`: there was no answer. */
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** All that arrived. */
  readonly body: Buffer;
  /** The body ended as the answer said that it would. */
  readonly isWhole: boolean;
  /** The reader went away by itself. */
  readonly hasLeft: boolean;
  /** Why there is no answer, or no end of it. */
  readonly reason: string | undefined;
}

/** A request of `/files/<path>`. Never rejects. */
export function ask(asked: FileRequest): Promise<FileResponse> {
  const { port, token, path, method = 'GET', body, breakAfter } = asked;
  const headers = {
    authorization: `Bearer ${token}`,
    ...(body && { 'content-length': body.length }),
    ...asked.headers,
  };
  return new Promise((resolve) => {
    const pieces: Buffer[] = [];
    let got: IncomingMessage | undefined;
    let hasLeft = false;
    const settle = (isWhole: boolean, reason?: string): void => {
      const known = (got?.headers ?? {}) as FileResponse['headers'];
      resolve({ status: got?.statusCode, headers: known, body: Buffer.concat(pieces), isWhole, hasLeft, reason });
    };
    const fail = ({ message }: Error): void => settle(false, message);
    const target = `/files/${encodeFilePath(path)}`;
    const sent = request({ agent, host: '127.0.0.1', port, path: target, method, headers }, (response) => {
      got = response;
      let arrived = 0;
      response.on('data', (piece: Buffer) => {
        pieces.push(piece);
        arrived += piece.length;
        asked.onBytes?.(arrived);
        if (asked.leaveAfter !== undefined && arrived >= asked.leaveAfter) {
          hasLeft = true;
          sent.destroy();
        } else if (asked.pause !== undefined) {
          response.pause();
          setTimeout(() => response.resume(), asked.pause);
        }
      });
      response.once('error', fail);
      response.once('end', () => settle(response.complete));
      response.once('close', () => settle(response.complete && !hasLeft, 'the reader left'));
    });
    sent.setTimeout(PATIENCE, () => sent.destroy(new Error(`nothing for ${PATIENCE} ms`)));
    sent.once('error', fail);
    if (body && breakAfter !== undefined) sent.write(body.subarray(0, breakAfter), () => sent.destroy());
    else sent.end(body);
  });
}

/** A POST of JSON. Gives the status; `undefined`: there was no answer. */
export function postJson(port: number, token: string, path: string, value: unknown): Promise<number | undefined> {
  const body = JSON.stringify(value);
  const headers = {
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
  };
  return new Promise((resolve) => {
    const sent = request({ agent, host: '127.0.0.1', port, path, method: 'POST', headers }, (response) => {
      response.resume();
      response.once('close', () => resolve(response.complete ? response.statusCode : undefined));
    });
    sent.setTimeout(PATIENCE, () => sent.destroy());
    sent.once('error', () => resolve(undefined));
    sent.end(body);
  });
}

/** Lets go of idle connections. */
export function closeConnections(): void {
  agent.destroy();
}
