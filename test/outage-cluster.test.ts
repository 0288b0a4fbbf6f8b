import { startGateway, type GatewayProcess } from './support/gateway.js';
import { freshPlant, type Plant, type PlantOrder } from './support/plant.js';
import { tokenFor } from './support/tokens.js';
import { until } from './support/race.js';
import { startRedisCluster, type RedisCluster } from './support/servers/redis-cluster.js';
import { describeWith } from './support/servers/shared.js';

/** All hours of one day, which lie in many slots of the cluster, in one operation. */
const DAY = `{ ${Array.from({ length: 24 }, (_, hour) => {
  const at = `2025-07-24T${String(hour).padStart(2, '0')}:00Z`;
  return `h${hour}: orders(createdBy: "${at}") { nodes { id status } }`;
}).join(' ')} }`;
const ADVANCE = `mutation ($changes: [OrderStatusChange!]!) { updateOrderStatuses(changes: $changes) { id } }`;
const ORDER = `query ($id: ID!) { order(id: $id) { status } }`;

type Day = Record<string, { nodes: { id: string; status: string }[] }>;

describeWith('postgres', 'redis')('on a Redis Cluster of six nodes', () => {
  let cluster: RedisCluster;
  let plant: Plant;
  let orders: PlantOrder[];
  let operator: string;
  let a: GatewayProcess;
  let b: GatewayProcess;

  beforeAll(async () => {
    cluster = await startRedisCluster();
    plant = await freshPlant();
    const hours = Array.from({ length: 24 }, (_, hour) => new Date(Date.UTC(2025, 6, 24, hour, 30)).toISOString());
    orders = await plant.insert(...hours.map((created_at) => ({ created_at, status: 'INITIATED' })));
    operator = await tokenFor({ role: 'operator' });
    const env = { MES_DATABASE_URL: plant.url, REDIS_URL: cluster.url };
    [a, b] = await Promise.all([startGateway(env), startGateway(env)]);
  }, 60_000);
  afterAll(async () => {
    await Promise.all([a.stop(), b.stop()]);
    await cluster.stop();
  });

  const day = async (gateway: GatewayProcess) => {
    const answer = await gateway.graphql<Day>(DAY, {}, { token: operator, headers: { 'x-cache-debug': '1' } });
    if (!answer.data) throw new Error(answer.text);
    const statuses = new Set(Object.values(answer.data).flatMap(({ nodes }) => nodes.map(({ status }) => status)));
    return { statuses: [...statuses], cache: answer.extensions!.cache! };
  };
  const change = async (gateway: GatewayProcess, status: string) => {
    const changes = orders.map(({ id }) => ({ id, status }));
    expect((await gateway.graphql(ADVANCE, { changes }, { token: operator })).errors).toBeUndefined();
  };

  test('what one instance fills the other reads, with no statement', async () => {
    for (const gateway of [a, b]) {
      await until('the gateway uses the cluster', async () => {
        const { outcomes } = (await day(gateway)).cache;
        return Object.keys(outcomes['orders'] ?? {}).every((outcome) => outcome.startsWith('hit'));
      });
    }
    expect((await day(b)).cache).toMatchObject({ outcomes: { orders: { 'hit-memory': 24 } }, sqlStatements: 0 });
    const slots = await Promise.all((await cluster.masterNodes()).map((node) => node.cli('dbsize')));
    for (const size of slots) expect(Number(size)).toBeGreaterThan(0);
  });

  test('the tokens of a day are checked by one request to one node', async () => {
    const before = await requests();
    expect((await day(b)).cache).toMatchObject({ outcomes: { orders: { 'hit-memory': 24 } } });
    expect((await requests()) - before).toBe(1);
  });

  /** Reads of several keys that all nodes have served so far. */
  async function requests(): Promise<number> {
    const stats = await Promise.all(cluster.nodes.map((node) => node.cli('info', 'commandstats')));
    return stats.map((text) => Number(/cmdstat_mget:calls=(\d+)/.exec(text)?.[1] ?? 0)).reduce((sum, calls) => sum + calls, 0);
  }

  test('a change by either instance is read by both, in lists and single orders', async () => {
    const [first] = orders;
    for (const [index, status] of ['FILE_UPLOADED', 'SUBMITTED', 'PRICE_CALCULATED', 'MANUFACTURING_APPROVED'].entries()) {
      await change(index % 2 === 0 ? a : b, status);
      for (const gateway of [b, a, b, a]) {
        expect((await day(gateway)).statuses).toEqual([status]);
        const one = await gateway.graphql(ORDER, { id: first!.id }, { token: operator });
        expect(one.data).toEqual({ order: { status } });
      }
    }
  });

  test('a killed master is survived: every read answers, and the cache works again once a replica took over', async () => {
    const [master] = await cluster.masterNodes();
    await master!.kill();
    const answered = async () => (await day(a)).statuses;
    for (let round = 0; round < 10; round += 1) expect(await answered()).toEqual(['MANUFACTURING_APPROVED']);
    await until('the cache works again on both', async () => {
      const outcomes = await Promise.all([a, b].map(async (gateway) => (await day(gateway)).cache.outcomes['orders'] ?? {}));
      return outcomes.every((each) => Object.keys(each).every((outcome) => outcome.startsWith('hit')));
    });
    await change(a, 'MANUFACTURING_STARTED');
    for (const gateway of [b, a]) expect((await day(gateway)).statuses).toEqual(['MANUFACTURING_STARTED']);
  }, 60_000);
});
