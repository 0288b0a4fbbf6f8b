import { startGateway, type GatewayProcess } from './support/gateway.js';
import { freshPlant } from './support/plant.js';
import { tokenFor } from './support/tokens.js';
import { errorOf, GraphqlClient } from './support/graphql-client.js';
import { metric } from './support/race.js';
import { startRedis, type RedisServer } from './support/servers/redis.js';
import { describeWith } from './support/servers/shared.js';

const WINDOW = { createdBy: '2025-07-24T15:00Z', window: 60 };
const LEVELS = '{ windowLevels(to: "2025-07-25T00:00Z") { day level since cap readsPerMinute rowsPerMinute costs { level } } }';

describeWith('postgres', 'redis')('the levels of a gateway', () => {
  let redis: RedisServer;
  let gateways: GatewayProcess[];
  let clients: GraphqlClient[];

  beforeAll(async () => {
    const minutes = ['05', '10', '25', '50'];
    const plant = await freshPlant({ orders: minutes.map((minute) => ({ created_at: `2025-07-24T15:${minute}:00Z` })) });
    redis = await startRedis();
    const env = { MES_DATABASE_URL: plant.url, REDIS_URL: redis.url, STORE_DEADLINE_MS: '10000' };
    gateways = await Promise.all([
      startGateway({ ...env, ORDER_WINDOW_POLICY: 'fixed:60', ORDER_TILE_MAX_ROWS: '3' }),
      startGateway({ ...env, ORDER_WINDOW_POLICY: 'adaptive' }),
    ]);
    const token = await tokenFor({ role: 'operator' });
    clients = gateways.map((gateway) => new GraphqlClient(gateway, { token }));
  });

  afterAll(async () => {
    await Promise.all(gateways.map((gateway) => gateway.stop()));
    await redis.stop();
  });

  test('a window with too many orders: its day falls to a smaller level, and is split, not loaded again', async () => {
    const first = await clients[0]!.ordersWithCost(WINDOW);
    expect(first.cache).toMatchObject({ outcomes: { orders: { filled: 1 } } });
    const second = await clients[0]!.ordersWithCost(WINDOW);
    expect(second.nodes).toEqual(first.nodes);
    expect(second.cache).toEqual({
      stale: false,
      outcomes: { orders: { 'hit-memory': 2 } },
      sqlStatements: 0,
      storeRoundTrips: 1,
    });
    expect(gateways[0]!.output()).toMatch(/"rows":4,"most":3,"level":30,"msg":"over-full tile/);
    expect(await metric(gateways[0]!, 'mes_order_overfull_total')).toBe(1);
    expect(await metric(gateways[0]!, 'mes_order_level_switches_total')).toBe(1);
    expect(await metric(gateways[0]!, 'mes_order_level_days{level="30"}')).toBe(1);
  });

  test('operators see them, partners do not', async () => {
    const { windowLevels } = await clients[0]!.ask<{ windowLevels: object[] }>(LEVELS);
    expect(windowLevels).toEqual([
      {
        day: '2025-07-24',
        level: 30,
        since: expect.any(String),
        cap: 30,
        readsPerMinute: expect.any(Number),
        rowsPerMinute: expect.any(Number),
        costs: [{ level: 15 }, { level: 30 }, { level: 60 }],
      },
    ]);
    const partner = new GraphqlClient(gateways[0]!, { token: await tokenFor({ role: 'partner', partnerId: 'partner-a' }) });
    expect(errorOf(await partner.send(LEVELS))).toMatchObject({ code: 'FORBIDDEN' });
    const wrong = clients[0]!.send('{ windowLevels(from: "2025-07-25T00:00Z", to: "2025-07-24T00:00Z") { day } }');
    expect(errorOf(await wrong)).toMatchObject({ code: 'BAD_USER_INPUT' });
  });

  test('an instance with another policy reads the same orders from what the first has left', async () => {
    const [one, other] = await Promise.all(clients.map((client) => client.orders(WINDOW)));
    expect(other!.nodes).toEqual(one!.nodes);
    expect(await metric(gateways[1]!, 'mes_order_level_days{level="60"}')).toBe(1);
  });
});
