import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { DAY, HOUR } from '../src/units.js';
import { startGateway, type GatewayProcess } from './support/gateway.js';
import { freshPlant } from './support/plant.js';
import { tokenFor } from './support/tokens.js';
import { GraphqlClient, type Connection } from './support/graphql-client.js';
import { startRedis, type RedisServer } from './support/servers/redis.js';
import { describeWith } from './support/servers/shared.js';

const DAY_START = Date.parse('2025-07-24T00:00Z');
const iso = (time: number): string => new Date(time).toISOString();
const hours = Array.from({ length: 24 }, (_, hour) => iso(DAY_START + hour * HOUR));
const aliased = (day: readonly string[]): string =>
  `{ ${day.map((from, hour) => `h${hour}: orders(createdBy: "${from}", window: 60) { totalCount nodes { number } }`).join('\n')} }`;

/** Levels that adapt tell each other about it in requests to the store of their own. */
const LEVEL = { ORDER_WINDOW_POLICY: 'fixed:60' };

describeWith('postgres', 'redis')('what an operation costs', () => {
  let tap: Tap;
  let redis: RedisServer;
  let gateways: GatewayProcess[];
  let clients: GraphqlClient[];

  beforeAll(async () => {
    const orders = hours.map((from, hour) => ({ created_at: iso(Date.parse(from) + 1), number: `ORD-${hour}` }));
    const [plant, startedRedis] = await Promise.all([freshPlant({ orders }), startRedis()]);
    redis = startedRedis;
    tap = await tapPostgres(plant.url);
    // A busy machine must not look like a frozen Redis, which is answered past the cache.
    const env = { MES_DATABASE_URL: tap.url, REDIS_URL: redis.url, STORE_DEADLINE_MS: '10000', ...LEVEL };
    gateways = await Promise.all([startGateway(env), startGateway(env)]);
    const token = await tokenFor({ role: 'operator' });
    clients = gateways.map((gateway) => new GraphqlClient(gateway, { token }));
  });

  afterAll(async () => {
    await Promise.all(gateways.map((gateway) => gateway.stop()));
    await redis.stop();
    tap.close();
  });

  /** Requests to Redis so far: reads are one MGET, writes one MULTI … EXEC. The GETs counted there are those of the claim's script. */
  const storeRequests = async (): Promise<{ reads: number; writes: number }> => {
    const stats = await redis.cli('info', 'commandstats');
    const calls = (command: string): number => Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
    return { reads: calls('mget'), writes: calls('exec') };
  };

  test('a day as 24 windows: cold 1 statement and 3 round trips, hot 0 and 1, by every way of counting', async () => {
    const before = { ...(await storeRequests()), statements: tap.statements.length };
    const cold = await clients[0]!.withCost<Record<string, Connection>>(aliased(hours));
    expect(hours.map((_, hour) => cold.data[`h${hour}`]?.nodes)).toEqual(hours.map((_, hour) => [{ number: `ORD-${hour}` }]));
    expect(cold.cache).toEqual({ stale: false, outcomes: { orders: { filled: 24 } }, sqlStatements: 1, storeRoundTrips: 3 });
    expect(tap.statements.slice(before.statements)).toEqual([expect.stringContaining('from unnest')]);

    // The entries are written while the answer is already under way; the claim before the load is no MULTI.
    let now = await storeRequests();
    while (now.writes < before.writes + 1) now = await storeRequests();
    expect(now).toEqual({ reads: before.reads + 1, writes: before.writes + 1 });

    const hot = await clients[0]!.withCost<Record<string, Connection>>(aliased(hours));
    expect(hot.data).toEqual(cold.data);
    expect(hot.cache).toEqual({ stale: false, outcomes: { orders: { 'hit-memory': 24 } }, sqlStatements: 0, storeRoundTrips: 1 });

    const elsewhere = await clients[1]!.withCost<Record<string, Connection>>(aliased(hours));
    expect(elsewhere.data).toEqual(cold.data);
    expect(elsewhere.cache).toEqual({
      stale: false,
      outcomes: { orders: { 'hit-store': 24 } },
      sqlStatements: 0,
      storeRoundTrips: 1,
    });

    expect(await storeRequests()).toEqual({ reads: now.reads + 2, writes: now.writes });
    expect(tap.statements).toHaveLength(before.statements + 1);
  });

  test('a window that is half cached: only what is missing is asked for, in one statement', async () => {
    const from = Date.parse('2025-08-01T00:00Z');
    await clients[0]!.orders({ createdBy: iso(from + 2 * HOUR), window: 120 });
    const before = tap.statements.length;
    const { cache } = await clients[0]!.ordersWithCost({ createdBy: iso(from), window: 360 });
    expect(cache.outcomes).toEqual({ orders: { filled: 4, 'hit-memory': 2 } });
    expect(tap.statements).toHaveLength(before + 1);
  });

  test('many readers of a cold window at one instance cause one statement', async () => {
    const before = tap.statements.length;
    const windows = Array.from({ length: 10 }, (_, day) => iso(Date.parse('2025-09-01T00:00Z') + day * DAY));
    for (const createdBy of windows) {
      const readers = Array.from({ length: 40 }, () => clients[0]!.orders({ createdBy, window: 600 }));
      const answers = await Promise.all(readers);
      expect(new Set(answers.map(({ totalCount }) => totalCount))).toEqual(new Set([0]));
    }
    expect(tap.statements).toHaveLength(before + windows.length);
  });

  test('the same window under several aliases, or with several filters, is read once', async () => {
    const { cache } = await clients[0]!.withCost(`{
      a: orders(createdBy: "2025-10-01T00:00Z") { totalCount }
      b: orders(createdBy: "2025-10-01T00:00Z", status: [CLOSED]) { totalCount }
      c: orders(createdBy: "2025-10-01T00:30Z", window: 15) { totalCount }
    }`);
    expect(cache).toMatchObject({ outcomes: { orders: { filled: 1 } }, sqlStatements: 1 });
  });

  test('a mutation is one transaction', async () => {
    const { nodes } = await clients[0]!.orders({ createdBy: hours[0]! });
    const before = tap.statements.length;
    await clients[0]!.update({ id: nodes[0]!.id, status: 'PACKAGING' });
    const statements = tap.statements.slice(before).map((text) => text.split(/[\s;]/)[0]?.toLowerCase());
    expect(statements).toEqual(['begin', 'select', 'update', 'select', 'commit']);
  });
});

interface Tap {
  readonly url: string;
  /** The text of every statement that was sent, in order, without what knex asks each new connection. */
  readonly statements: readonly string[];
  close(): void;
}

/** A proxy in front of a Postgres that notes every statement (https://www.postgresql.org/docs/current/protocol-message-formats.html). */
async function tapPostgres(target: string): Promise<Tap> {
  const statements: string[] = [];
  const { hostname, port } = new URL(target);
  const server = createServer((client) => {
    const upstream = connect({ host: hostname, port: Number(port) });
    const reader = new MessageReader((text) => {
      if (text !== 'select version();') statements.push(text);
    });
    client.on('data', (piece) => reader.add(piece));
    client.pipe(upstream).pipe(client);
    const cut = (): void => [client, upstream].forEach((socket) => socket.destroy());
    for (const socket of [client, upstream]) socket.on('error', cut);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(target);
  url.port = String((server.address() as AddressInfo).port);
  return { url: url.href, statements, close: () => void server.close() };
}

/** Finds the statements in what a client sends: `Q` (text), and `P` (Parse: name, text). The first message has no type. */
class MessageReader {
  #rest = Buffer.alloc(0);
  #started = false;

  constructor(private readonly found: (statement: string) => void) {}

  add(piece: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, piece]);
    for (;;) {
      const header = this.#started ? 1 : 0;
      if (this.#rest.length < header + 4) return;
      const end = header + this.#rest.readInt32BE(header);
      if (this.#rest.length < end) return;
      const type = header === 1 ? String.fromCharCode(this.#rest[0]!) : '';
      const [first = '', second = ''] = this.#rest.toString('utf8', header + 4, end).split('\0');
      if (type === 'Q') this.found(first);
      if (type === 'P') this.found(second);
      this.#rest = this.#rest.subarray(end);
      this.#started = true;
    }
  }
}
