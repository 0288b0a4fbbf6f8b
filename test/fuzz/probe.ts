/** What the fuzzer aims at. */
export const TARGETS = ['graphql', 'events by GraphQL', 'files', 'uploads', 'store events', 'websocket', 'raw'] as const;
export type Target = (typeof TARGETS)[number];

/** One thing to send. */
export interface Probe {
  readonly target: Target;
  /** As they go over the wire; more than one: one after another. */
  readonly pieces: readonly Buffer[];
  /**
   * `exchange`: one whole request of a connection that is kept. `stream`: an answer that may never end. `socket`: a
   * connection of its own, ended by the client after the last piece.
   */
  readonly way: 'exchange' | 'stream' | 'socket';
  /** An answer to `HEAD` has no body. */
  readonly method?: string;
  /** The file that this may write, whatever it is called. */
  readonly writes?: string;
}

/** What came back. `closed`: nothing, and the connection was closed; `silence`: nothing in time. */
export interface Outcome {
  readonly status: number | 'closed' | 'silence';
  /** All that arrived, as Latin-1. */
  readonly text: string;
}

/** What every probe may be made of. */
export interface Ground {
  readonly host: string;
  /** `Authorization` values of good, former and forged callers. */
  readonly credentials: readonly { readonly name: string; readonly value: string | undefined }[];
  readonly orderIds: readonly string[];
  readonly filePaths: readonly string[];
  /** Path and query of URLs that open files. */
  readonly signedUrls: readonly string[];
  readonly cursors: readonly string[];
}

export interface RequestParts {
  readonly method: string;
  readonly url: string;
  readonly headers: readonly (readonly [name: string, value: string | Buffer])[];
  readonly body?: Buffer | undefined;
}

/** For a URL; half a surrogate pair, which no URL can hold, becomes U+FFFD. */
export function urlEncoded(text: string): string {
  return encodeURIComponent(Buffer.from(text).toString());
}

/** A request as bytes, with the right `Content-Length` unless the headers say how the body comes. */
export function requestBytes({ method, url, headers, body }: RequestParts, host: string): Buffer {
  const named = new Set(headers.map(([name]) => name.toLowerCase()));
  const all = [...(named.has('host') ? [] : [['host', host] as const]), ...headers];
  if (body && !named.has('content-length') && !named.has('transfer-encoding')) {
    all.push(['content-length', String(body.length)] as const);
  }
  const lines = all.map(([name, value]) =>
    Buffer.concat([Buffer.from(`${name}: `, 'latin1'), Buffer.from(value as string), Buffer.from('\r\n')]),
  );
  return Buffer.concat([Buffer.from(`${method} ${url} HTTP/1.1\r\n`), ...lines, Buffer.from('\r\n'), ...(body ? [body] : [])]);
}
