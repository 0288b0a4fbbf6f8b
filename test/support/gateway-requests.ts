import { connect } from 'node:net';

/** What a GraphQL request answered. `data` is what the test says it is: nothing checks `T`. */
export interface GraphqlAnswer<T> {
  readonly status: number;
  readonly headers: Headers;
  /** The body as it arrived. */
  readonly text: string;
  readonly data?: T | null;
  readonly errors?: readonly { message: string; path?: readonly (string | number)[]; extensions: { code: string } }[];
  readonly extensions?: { cache?: CacheReport };
}

/** `extensions.cache`, answered to a request with the header `x-cache-debug: 1`. */
export interface CacheReport {
  readonly stale: boolean;
  readonly outcomes: Record<string, Record<string, number>>;
  readonly sqlStatements: number;
  readonly storeRoundTrips: number;
}

export interface RequestOptions {
  /** Sent as `Authorization: Bearer <token>`. */
  readonly token?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A POST of `body` as JSON. */
export async function post<T>(url: string, body: unknown, options: RequestOptions): Promise<GraphqlAnswer<T>> {
  const headers = { 'content-type': 'application/json', ...requestHeaders(options) };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, ...(JSON.parse(text) as object) };
}

export function requestHeaders({
  token,
  headers,
}: {
  token?: string | undefined;
  headers?: RequestOptions['headers'] | undefined;
}) {
  return { ...(token !== undefined && { authorization: `Bearer ${token}` }), ...headers };
}

/**
 * Sends `text` over a plain socket and gives all that comes back until the server closes the connection, so ask with
 * `Connection: close`. For what no HTTP client would send.
 */
export async function sendRaw({ port }: { port: number }, text: string): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port });
  let answer = '';
  socket.setEncoding('latin1').on('data', (piece: string) => (answer += piece));
  // A server that refuses may reset the connection; what it said before is the answer.
  socket.on('error', () => undefined);
  socket.write(text, 'latin1');
  await new Promise((resolve) => socket.once('close', resolve));
  return answer;
}
