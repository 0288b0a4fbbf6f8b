import { createClient as createSseClient, type Client as SseClient } from 'graphql-sse';
import { createClient as createWsClient, type Client as WsClient, type ClientOptions } from 'graphql-ws';
import WebSocket from 'ws';
import { within } from './race.js';

/** What a subscription was told, in order. `data` is what the test says it is: nothing checks `T`. */
export interface Told<T> {
  readonly data?: T | null;
  readonly errors?: readonly { readonly message: string; readonly extensions?: Record<string, unknown> }[];
}

/** A subscription as a test follows it. */
export class Followed<T = Record<string, unknown>> {
  readonly told: Told<T>[] = [];
  /** How it ended; absent: it goes on. */
  end: { readonly error?: unknown } | undefined;
  begins = 0;
  private waiting: (() => void)[] = [];
  stop = (): void => undefined;

  readonly sink = {
    next: (value: Told<T>) => this.note(() => this.told.push(value)),
    error: (error: unknown) => this.note(() => (this.end = { error })),
    complete: () => this.note(() => (this.end ??= {})),
  };

  readonly begun = () => this.note(() => (this.begins += 1));

  get data(): T[] {
    return this.told.map(({ data, errors }) => {
      if (!data) throw new Error(`must be told data, but was told: ${JSON.stringify(errors)}`);
      return data;
    });
  }

  /** Waits until `condition` holds; looked at whenever something happens. */
  async until(what: string, condition: () => boolean): Promise<void> {
    const wait = async (): Promise<void> => {
      while (!condition()) await new Promise<void>((resolve) => this.waiting.push(resolve));
    };
    await within(what, wait());
  }

  begin(): Promise<void> {
    return this.until('the begin', () => this.begins > 0 || this.end !== undefined);
  }

  count(number: number): Promise<void> {
    return this.until(`${number} events`, () => this.told.length >= number);
  }

  over(): Promise<void> {
    return this.until('the end', () => this.end !== undefined);
  }

  private note(change: () => unknown): void {
    change();
    for (const wake of this.waiting.splice(0)) wake();
  }
}

export interface Wanted {
  readonly query: string;
  readonly variables?: Record<string, unknown>;
}

export function bySse<T>(url: string, token: string | undefined, wanted: Wanted): Followed<T> & { client: SseClient } {
  const followed = new Followed<T>();
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const client = createSseClient({ url: `${url}/graphql`, headers, retryAttempts: 0 });
  followed.stop = client.subscribe(wanted, followed.sink as never, { connected: followed.begun });
  return Object.assign(followed, { client });
}

export function wsClient(url: string, token: string | undefined, options: Partial<ClientOptions> = {}): WsClient {
  return createWsClient({
    url: `${url.replace(/^http/, 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: token === undefined ? {} : { authorization: `Bearer ${token}` },
    retryAttempts: 0,
    lazyCloseTimeout: 0,
    ...options,
  });
}

export function byWs<T>(
  url: string,
  token: string | undefined,
  wanted: Wanted,
  options: Partial<ClientOptions> = {},
): Followed<T> & { client: WsClient } {
  const followed = new Followed<T>();
  const client = wsClient(url, token, options);
  client.on('ping', (received, payload) => {
    if (received && payload?.['subscribed'] !== undefined) followed.begun();
  });
  followed.stop = client.subscribe(wanted, followed.sink as never);
  return Object.assign(followed, { client });
}

/** Both transports under one shape. */
export const TRANSPORTS = [
  ['WebSocket', byWs],
  ['server-sent events', bySse],
] as const satisfies readonly (readonly [string, <T>(url: string, token: string | undefined, wanted: Wanted) => Followed<T>])[];
