import KeyvRedis, { type RedisClientConnectionType } from '@keyv/redis';
import { createClient, createCluster } from '@redis/client';
import type { Milliseconds } from '../units.js';
import { TOKEN_TTL } from './entry.js';
import { FILL_LOCK_SCRIPTS } from './fill-lock-scripts.js';
import { KeyvStore, type EpochSource, type KeyvBackend } from './keyv-store.js';
import type { Claim, Claimed, Store, StoreRead, StoreWrite } from './store.js';

export type StoreEvent = { readonly event: 'connected' | 'disconnected'; readonly reason?: string };

type Listener = (event: StoreEvent) => void;

const RECONNECT_MIN = 50;
const RECONNECT_MAX = 1_000;

/** Backs off with jitter and never gives up: the gateway answers without Redis, and uses it again when it is back. */
function reconnectStrategy(attempts: number): number {
  return Math.min(RECONNECT_MIN * 2 ** attempts, RECONNECT_MAX) * (0.5 + Math.random() / 2);
}

/**
 * The shared store on Redis; more than one URL means a Redis Cluster. Connects in the background and returns at once. Requests
 * wait for the end of the first attempt to connect; while not connected later on, every request is `unavailable`.
 */
export function createRedisStore(urls: readonly string[], listener: Listener): Store {
  const [url] = urls;
  if (url === undefined) throw new Error('must have at least one Redis URL, but got none');
  return urls.length > 1 ? clusterStore(urls, listener) : nodeStore(url, listener);
}

/**
 * The epoch is the server's `run_id`, asked for on every connection before the connection is used: a server that was
 * restarted from an old snapshot, or a replica that was promoted, has another one.
 */
function nodeStore(url: string, listener: Listener): Store {
  const client = createClient({
    url,
    scripts: FILL_LOCK_SCRIPTS,
    disableOfflineQueue: true,
    socket: { reconnectStrategy, connectTimeout: 2_000 },
  });
  let epoch: string | undefined;
  let connection = 0;
  const first = firstAttempt();
  const lost = (reason: string) => {
    connection += 1;
    first.end();
    if (epoch !== undefined) listener({ event: 'disconnected', reason });
    epoch = undefined;
  };
  client.on('error', (error: Error) => lost(error.message));
  client.on('reconnecting', () => lost('reconnecting'));
  client.on('end', () => lost('closed'));
  client.on('ready', () => {
    const mine = ++connection;
    client.info('server').then(
      (info) => {
        if (mine !== connection) return;
        epoch = /^run_id:(\S+)/m.exec(info)?.[1];
        first.end();
        listener({ event: 'connected' });
      },
      (error: Error) => lost(error.message),
    );
  });
  client.connect().catch((error: Error) => lost(error.message));
  const disconnect = () => {
    first.end();
    client.destroy();
  };
  return new RedisStore(client, () => epoch, disconnect, first);
}

/** A cluster has no single life; its epoch is that of this process's connection. Its gap is in docs/guarantees.md. */
function clusterStore(urls: readonly string[], listener: Listener): Store {
  const client = createCluster({
    rootNodes: urls.map((url) => ({ url })),
    scripts: FILL_LOCK_SCRIPTS,
    defaults: { disableOfflineQueue: true, socket: { reconnectStrategy, connectTimeout: 2_000 } },
    topologyRefreshOnReconnectionAttemptStrategy: 300,
  });
  let connected = false;
  let closed = false;
  const first = firstAttempt();
  client.on('error', (error: Error) => listener({ event: 'disconnected', reason: error.message }));
  const connect = () => {
    client.connect().then(
      () => {
        connected = true;
        first.end();
        listener({ event: 'connected' });
      },
      (error: Error) => {
        first.end();
        listener({ event: 'disconnected', reason: error.message });
        if (!closed) setTimeout(connect, RECONNECT_MAX).unref();
      },
    );
  };
  connect();
  const disconnect = () => {
    closed = true;
    first.end();
    client.destroy();
  };
  return new RedisStore(client, () => (connected ? 'cluster' : undefined), disconnect, first);
}

/** The first attempt to connect: whoever asks during it, at the start of the process, need not take it for an outage. */
interface FirstAttempt {
  readonly ended: Promise<void>;
  end(): void;
}

function firstAttempt(): FirstAttempt {
  let end = (): void => undefined;
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  return { ended, end };
}

/** The commands that only a store shared by processes needs; all of one call travel together. */
interface LockClient {
  claim(tokenKey: string, lockKey: string, ...values: string[]): Promise<{ nonce: string; locked: boolean }>;
  hold(lockKey: string, owner: string, ttl: string): Promise<unknown>;
}

class RedisStore extends KeyvStore {
  private connecting: Promise<void> | undefined;

  constructor(
    private readonly client: LockClient,
    epoch: EpochSource,
    disconnect: () => void,
    first: FirstAttempt,
  ) {
    super(backend(client), epoch, disconnect);
    this.connecting = first.ended.then(() => (this.connecting = undefined));
  }

  protected override async inOneEpoch<T extends StoreRead | StoreWrite | Claimed>(request: (epoch: string) => Promise<T>) {
    if (this.connecting) await this.connecting;
    return super.inOneEpoch(request);
  }

  override claim(claims: readonly Claim[], owner: string, ttl: Milliseconds): Promise<Claimed> {
    return this.inOneEpoch(async (epoch) => {
      const results = await Promise.all(
        claims.map(({ tokenKey, lockKey, nonce }) =>
          this.client.claim(tokenKey, lockKey, nonce, storedToken(nonce), String(TOKEN_TTL), owner, String(ttl)),
        ),
      );
      return { kind: 'claimed', epoch, results };
    });
  }

  override async hold(lockKeys: readonly string[], owner: string, ttl: Milliseconds): Promise<void> {
    // A lock that could not be kept expires; who waits for it then fills by itself.
    await Promise.allSettled(lockKeys.map((lockKey) => this.client.hold(lockKey, owner, String(ttl))));
  }
}

/** As Keyv stores it; without `expires`, which Redis takes care of. */
function storedToken(nonce: string): string {
  return JSON.stringify({ value: nonce });
}

/** The client is newer than the one that `@keyv/redis` is typed for; it has all the methods that the adapter calls. */
function backend(client: unknown): KeyvBackend {
  return new KeyvRedis(client as RedisClientConnectionType, { throwOnConnectError: false, throwOnErrors: true });
}
