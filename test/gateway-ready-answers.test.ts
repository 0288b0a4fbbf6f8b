import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ORDER_STATUSES } from '../src/orders/order.js';
import { startGateway, type GatewayProcess } from './support/gateway.js';
import { GraphqlClient, type Connection } from './support/graphql-client.js';
import { freshPlant, type Plant } from './support/plant.js';
import { startProxyTo, type Proxy } from './support/proxy.js';
import { holdFirst, metric, noonTimeZone, runRace } from './support/race.js';
import { startRedis, type RedisServer } from './support/servers/redis.js';
import { describeWith } from './support/servers/shared.js';
import { removeFolder, temporaryFolder } from './support/servers/temporary.js';
import { tokenFor } from './support/tokens.js';

/** As often as a query has to come to be answered whole, and some times more. */
const TIMES = 6;
const AT = '2025-07-24T15:10:00.000Z';

const WINDOW = `query ($at: DateTime!, $window: Int) {
  orders(createdBy: $at, window: $window) { totalCount asOf nodes { id status version partnerId } }
}`;

/** How many whole answers `gateway` has given again during `work`. */
async function readyDuring(gateway: GatewayProcess, work: () => Promise<unknown>): Promise<number> {
  const before = await metric(gateway, 'mes_ready_answers_total');
  await work();
  return (await metric(gateway, 'mes_ready_answers_total')) - before;
}

async function repeatedly<T>(work: () => Promise<T>, times = TIMES): Promise<T[]> {
  const answers: T[] = [];
  for (let time = 0; time < times; time += 1) answers.push(await work());
  return answers;
}

describeWith('postgres', 'redis')('whole answers of two instances', () => {
  const folder = temporaryFolder();
  let plant: Plant;
  let proxy: Proxy;
  let redis: RedisServer;
  let gateways: GatewayProcess[];
  let [here, there]: GraphqlClient[] = [];

  beforeAll(async () => {
    writeFileSync(join(folder, 'a.stl'), 'solid a');
    [plant, redis] = await Promise.all([freshPlant(), startRedis()]);
    const through = await startProxyTo(plant.url);
    proxy = through.proxy;
    const env = { REDIS_URL: redis.url, FILES_DIR: folder, STORE_DEADLINE_MS: '10000', PLANT_TIME_ZONE: noonTimeZone() };
    gateways = await Promise.all([
      startGateway({ ...env, MES_DATABASE_URL: through.url }),
      startGateway({ ...env, MES_DATABASE_URL: plant.url }),
    ]);
    const token = await tokenFor({ role: 'operator' });
    [here, there] = gateways.map((gateway) => new GraphqlClient(gateway, { token }));
  });

  afterAll(async () => {
    await Promise.all(gateways.map((gateway) => gateway.stop()));
    await Promise.all([redis.stop(), proxy.close()]);
    removeFolder(folder);
  });

  const statusesBy = async (client: GraphqlClient, at: string): Promise<string[]> =>
    (await client.ask<{ orders: Connection }>(WINDOW, { at, window: 60 })).orders.nodes.map(({ status }) => status);

  test('the race of a slow fill with a change: who reads after the acknowledgement gets the new state', async () => {
    const [order] = await plant.insert({ created_at: '2025-06-01T10:30:00Z', status: 'INITIATED' });
    const at = '2025-06-01T10:00Z';
    for (const [index, client] of [here!, there!].entries()) {
      const ready = await readyDuring(gateways[index]!, () => repeatedly(() => statusesBy(client, at)));
      expect(ready).toBeGreaterThan(0);
    }
    // What the slow read loads is the state of this change.
    await there!.update({ id: order!.id, status: 'FILE_UPLOADED' });
    const { slow, after } = await runRace({
      hold: () => holdFirst(proxy, order!.id),
      slowRead: () => statusesBy(here!, at),
      change: () => there!.update({ id: order!.id, status: 'SUBMITTED' }),
      readers: [here!, there!, here!, there!].map((client) => () => statusesBy(client, at)),
    });
    expect(slow).toEqual(['FILE_UPLOADED']);
    expect(after).toEqual(after.map(() => ['SUBMITTED']));
    expect(await readyDuring(gateways[0]!, () => repeatedly(() => statusesBy(here!, at), 3))).toBe(3);
  });

  test('a change by one instance is in the next answer of each, time and again', async () => {
    const [order] = await plant.insert({ created_at: AT, status: 'INITIATED' });
    const at = '2025-07-24T15:00Z';
    const way = ORDER_STATUSES.slice(1, -1);
    for (const [step, status] of way.entries()) {
      const writer = step % 2 === 0 ? here! : there!;
      await writer.update({ id: order!.id, status });
      for (const client of [here!, there!, here!, there!]) expect(await statusesBy(client, at)).toEqual([status]);
    }
    expect(await metric(gateways[1]!, 'mes_ready_answers_total')).toBeGreaterThan(way.length);
  });

  test('what a whole answer costs is told as for any other', async () => {
    const at = '2025-06-02T10:00Z';
    const day = Array.from(
      { length: 3 },
      (_, index) => `w${index}: orders(createdBy: $at, window: ${60 * (index + 1)}) { asOf }`,
    );
    const query = `query ($at: DateTime!) { ${day.join(' ')} }`;
    const costs = await repeatedly(() => here!.withCost(query, { at }));
    const hot = { stale: false, outcomes: { orders: { 'hit-memory': 3 } }, sqlStatements: 0, storeRoundTrips: 1 };
    expect(costs[0]!.cache).toMatchObject({ outcomes: { orders: { filled: 3 } }, sqlStatements: 1 });
    expect(costs.slice(1).map(({ cache }) => cache)).toEqual(costs.slice(1).map(() => hot));
    expect(costs.map(({ data }) => data)).toEqual(costs.map(() => costs[0]!.data));
    const plain = (await repeatedly(() => here!.send(query, { at }))).map(({ text }) => text);
    expect(plain).toEqual(plain.map(() => `${JSON.stringify({ data: costs[0]!.data })}\n`));
    expect(await readyDuring(gateways[0]!, () => here!.withCost(query, { at }))).toBe(1);
    const after = await plant.insert({ created_at: '2025-06-02T12:30:00Z', status: 'SUBMITTED' });
    await there!.update({ id: after[0]!.id, status: 'PRICE_CALCULATED' });
    const { cache } = await here!.withCost(query, { at });
    expect(cache.outcomes['orders']).toMatchObject({ 'hit-memory': 2 });
    expect(cache.storeRoundTrips).toBeLessThanOrEqual(4);
  });

  test.each<[string, string, boolean]>([
    ['today', '{ orders { totalCount } }', true],
    ['the last minutes', '{ orders(window: 30) { totalCount } }', false],
    ['a file', '{ file(path: "a.stl") { size } }', true],
    ['a file with a URL', '{ file(path: "a.stl") { url } }', false],
    ["a file with the store's URL", '{ file(path: "a.stl") { url(delivery: STORE) } }', false],
    ['something beside the last minutes', '{ a: orders { totalCount } b: orders(window: 30) { totalCount } }', false],
    ['nothing that is cached', '{ __typename }', false],
    ['an error', '{ orders(window: 0) { totalCount } }', false],
  ])('%s: %s is given again: %s', async (_what, query, expected) => {
    // A short time to live may end between two answers: not all of them need be given again.
    const count = await readyDuring(gateways[0]!, () => repeatedly(() => here!.send(query), 2 * TIMES));
    expect(count > 0).toBe(expected);
  });

  test('each viewer gets its own, whoever asked before', async () => {
    const at = '2025-05-05T05:00Z';
    const rows = ['partner-a', 'partner-b', 'partner-b', null].map((partner_id) => ({
      partner_id,
      created_at: '2025-05-05T05:30:00Z',
    }));
    await plant.insert(...rows);
    const callers = {
      operator: { role: 'operator' },
      a: { role: 'partner', partnerId: 'partner-a' },
      b: { role: 'partner', partnerId: 'partner-b' },
      none: { role: 'partner', partnerId: 'operator' },
      service: { role: 'service' },
    };
    const tokens = Object.entries(callers).map(async ([name, caller]) => [name, await tokenFor(caller)] as const);
    const clients = [...(await Promise.all(tokens)), ['anonymous', undefined] as const].map(
      ([name, token]) => [name, new GraphqlClient(gateways[0]!, { token })] as const,
    );
    const counts: Record<string, unknown> = {
      operator: 4,
      a: 1,
      b: 2,
      none: 0,
      service: 'FORBIDDEN',
      anonymous: 'UNAUTHENTICATED',
    };
    const rounds = async () => {
      for (const [name, client] of clients) {
        const { data, errors } = await client.send<{ orders: Connection }>(WINDOW, { at });
        expect({ [name]: data?.orders.totalCount ?? errors?.[0]?.extensions.code }).toEqual({ [name]: counts[name] });
        const partners = new Set(data?.orders.nodes.map(({ partnerId }) => partnerId));
        if (name === 'a' || name === 'b') expect([...partners]).toEqual([`partner-${name}`]);
      }
    };
    expect(await readyDuring(gateways[0]!, () => repeatedly(rounds))).toBeGreaterThanOrEqual(4);
  });
});
