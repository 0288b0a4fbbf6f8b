import { Agent, request } from 'node:http';
import type { CacheReport } from '../support/gateway-requests.js';
import { PATIENCE } from './bounds.js';

/** Connections stay open: opening one for each request would cost the check more than the gateways. */
const agent = new Agent({ keepAlive: true, maxSockets: 64 });

export interface Answer {
  readonly status: number;
  readonly data?: Readonly<Record<string, unknown>> | null;
  readonly errors?: readonly { readonly message: string; readonly extensions?: { readonly code?: string } }[];
  readonly extensions?: { readonly cache?: CacheReport & { readonly stale?: boolean } };
}

/** The connection broke, or no answer came in time. */
export interface NoAnswer {
  readonly status: 'none';
  readonly reason: string;
}

/** A POST of `/graphql` with a report on the cache. Never rejects. */
export function post(
  port: number,
  token: string,
  query: string,
  variables?: Readonly<Record<string, unknown>>,
): Promise<Answer | NoAnswer> {
  const body = JSON.stringify({ query, variables });
  const headers = {
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'x-cache-debug': '1',
  };
  return new Promise((resolve) => {
    const fail = ({ message }: Error): void => resolve({ status: 'none', reason: message });
    const sent = request({ agent, host: '127.0.0.1', port, path: '/graphql', method: 'POST', headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (piece: string) => (text += piece));
      response.once('error', fail);
      response.once('end', () => {
        try {
          resolve({ ...(JSON.parse(text) as object), status: response.statusCode ?? 0 });
        } catch {
          fail(new Error(`must answer JSON, but got: ${text.slice(0, 200)}`));
        }
      });
    });
    sent.setTimeout(PATIENCE, () => sent.destroy(new Error(`no answer within ${PATIENCE} ms`)));
    sent.once('error', fail);
    sent.end(body);
  });
}

/** Lets go of idle connections. */
export function closeConnections(): void {
  agent.destroy();
}
