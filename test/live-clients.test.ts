import { connect, createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { createClient as createSseClient } from 'graphql-sse';
import { outboxPlant } from './support/feed.js';
import { emptyRedis } from './support/empty-redis.js';
import { startGateway, type GatewayProcess } from './support/gateway.js';
import type { Plant } from './support/plant.js';
import { tokenFor } from './support/tokens.js';
import { GraphqlClient } from './support/graphql-client.js';
import { byWs, wsClient, type Followed } from './support/live.js';
import { metric, until } from './support/race.js';
import { describeWith } from './support/servers/shared.js';

const SEED = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
const CHANGED = 'subscription { orderChanged { id version } }';
const CLIENTS = 1_000;

interface Changed {
  orderChanged: { id: string; version: number };
}

/** Random numbers that a seed repeats (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A way to a gateway that a test can break, all connections at once. */
class Way {
  private readonly sockets = new Set<Socket>();
  private constructor(private readonly server: Server) {}

  static async to(port: number): Promise<Way> {
    const way = new Way(createServer((client) => way.join(client, connect({ host: '127.0.0.1', port }))));
    way.server.listen(0, '127.0.0.1');
    await once(way.server, 'listening');
    return way;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  break(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  close(): void {
    this.break();
    this.server.close();
  }

  private join(client: Socket, upstream: Socket): void {
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      this.sockets.add(from);
      from.on('error', () => undefined);
      from.pipe(to);
      from.once('close', () => {
        this.sockets.delete(from);
        to.destroy();
      });
    }
  }
}

/** Versions as a client has them: the highest that an answer or an event told. */
class Copy {
  readonly versions = new Map<string, number>();

  apply(id: string, version: number): void {
    if (version >= (this.versions.get(id) ?? 0)) this.versions.set(id, version);
  }

  async refetch(reader: GraphqlClient): Promise<void> {
    const { nodes } = await reader.orders({ createdBy: '2025-07-24T15:00Z', window: 60 });
    for (const { id, version } of nodes) this.apply(id, version);
  }
}

/** docs/live.md: subscribe, query when that has begun, apply; the same after each new connection. */
const PATTERN = {
  WebSocket: (url: string, token: string, copy: Copy, reader: GraphqlClient) => {
    const client = wsClient(url, token, {
      retryAttempts: Infinity,
      retryWait: () => new Promise((resolve) => setTimeout(resolve, 20)),
      shouldRetry: () => true,
    });
    client.on('ping', (received, payload) => {
      if (received && payload?.['subscribed'] !== undefined) void copy.refetch(reader);
    });
    client.subscribe<Changed>({ query: CHANGED }, sinkOf(copy));
    return () => void client.dispose();
  },
  'server-sent events': (url: string, token: string, copy: Copy, reader: GraphqlClient) => {
    const client = createSseClient({
      url: `${url}/graphql`,
      headers: { authorization: `Bearer ${token}` },
      retryAttempts: Infinity,
      retry: () => new Promise((resolve) => setTimeout(resolve, 20)),
      on: { connected: () => void copy.refetch(reader) },
    });
    client.subscribe<Changed>({ query: CHANGED }, sinkOf(copy));
    return () => client.dispose();
  },
};

function sinkOf(copy: Copy) {
  return {
    next: ({ data }: { data?: Changed | null }) => data && copy.apply(data.orderChanged.id, data.orderChanged.version),
    error: (error: unknown) => {
      throw new Error(`the client gave up: ${String(error)}`);
    },
    complete: () => undefined,
  };
}

describeWith('postgres', 'redis')('clients of subscriptions', () => {
  let plant: Plant;
  let gateway: GatewayProcess;
  let token: string;

  beforeAll(async () => {
    plant = await outboxPlant();
    gateway = await startGateway({ MES_DATABASE_URL: plant.url, REDIS_URL: await emptyRedis() });
    token = await tokenFor({ role: 'operator' });
  });

  afterAll(() => gateway.stop());

  test.each(Object.entries(PATTERN))(
    `miss nothing by %s, however often their connection breaks (SEED=${SEED})`,
    async (_name, follow) => {
      const random = randomOf(SEED);
      const rows = await plant.insert(...Array.from({ length: 10 }, () => ({})));
      const way = await Way.to(gateway.port);
      const copy = new Copy();
      // The reader goes straight to the gateway, so that a query never fails with the connection.
      const stop = follow(way.url, token, copy, new GraphqlClient(gateway, { token }));
      const versions = new Map(rows.map(({ id }) => [id, 1]));
      for (let change = 0; change < 150; change += 1) {
        const { id } = rows[Math.floor(random() * rows.length)]!;
        const version = versions.get(id)! + 1;
        versions.set(id, version);
        await plant.update(id, { version });
        if (random() < 0.15) way.break();
      }
      await until('the copy is as the database', () => rows.every(({ id }) => copy.versions.get(id) === versions.get(id)));
      stop();
      way.close();
    },
  );

  test(`${CLIENTS} equal subscriptions: everyone gets each event, and each change is loaded once`, async () => {
    const [order] = await plant.insert({});
    const clients = Array.from({ length: CLIENTS }, (): Followed<Changed> => byWs(gateway.url, token, { query: CHANGED }));
    await Promise.all(clients.map((client) => client.begin()));
    expect(await metric(gateway, 'mes_live_subscriptions')).toBe(CLIENTS);
    const statements = await metric(gateway, 'mes_sql_statements_total');
    for (let version = 2; version <= 21; version += 1) {
      await plant.update(order!.id, { version });
      await clients[0]!.until('the event', () => clients[0]!.data.at(-1)?.orderChanged.version === version);
    }
    await Promise.all(clients.map((client) => client.count(20)));
    for (const { data } of clients)
      expect(data.map(({ orderChanged }) => orderChanged.version)).toEqual(Array.from({ length: 20 }, (_, index) => index + 2));
    expect((await metric(gateway, 'mes_sql_statements_total')) - statements).toBe(20);
    expect(await metric(gateway, 'mes_live_events_total')).toBeGreaterThanOrEqual(20 * CLIENTS);
    for (const client of clients) client.stop();
    await until('the end', async () => (await metric(gateway, 'mes_live_subscriptions')) === 0);
  }, 60_000);
});
