import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ORDER_STATUSES } from '../src/orders/order.js';
import { startGateway, type GatewayProcess } from './support/gateway.js';
import { freshPlant, type Plant } from './support/plant.js';
import { tokenFor } from './support/tokens.js';
import { errorOf, GraphqlClient, type Change } from './support/graphql-client.js';
import { startRedis, type RedisServer } from './support/servers/redis.js';
import { describeWith } from './support/servers/shared.js';
import { removeFolder, temporaryFolder } from './support/servers/temporary.js';

const MISSING = '00000000-0000-4000-8000-00000000dead';
const CREATED_AT = '2025-07-24T15:10:00.000Z';

describeWith('postgres', 'redis')('mutations', () => {
  const folder = temporaryFolder();
  let plant: Plant;
  let redis: RedisServer;
  let gateways: GatewayProcess[];
  let here: GraphqlClient;
  let there: GraphqlClient;

  beforeAll(async () => {
    mkdirSync(join(folder, 'models'));
    writeFileSync(join(folder, 'models/ring-17.stl'), 'solid ring');
    [plant, redis] = await Promise.all([freshPlant(), startRedis()]);
    const env = { MES_DATABASE_URL: plant.url, REDIS_URL: redis.url, FILES_DIR: folder, STORE_DEADLINE_MS: '10000' };
    gateways = await Promise.all([startGateway(env), startGateway(env)]);
    const token = await tokenFor({ role: 'operator' });
    [here, there] = gateways.map((gateway) => new GraphqlClient(gateway, { token })) as [GraphqlClient, GraphqlClient];
  });

  afterAll(async () => {
    await Promise.all(gateways.map((gateway) => gateway.stop()));
    await redis.stop();
    removeFolder(folder);
  });

  const newOrder = async (status = 'SUBMITTED', version = 1): Promise<string> => {
    const [row] = await plant.insert({ status, version, created_at: CREATED_AT });
    return row!.id;
  };

  const stored = async (id: string): Promise<unknown> =>
    (await plant.query('select status, version from orders where id = $1', [id]))[0];

  test('an order goes the whole way, a step at a time, and its version counts the steps', async () => {
    const id = await newOrder('INITIATED');
    const way = ORDER_STATUSES.slice(1, -1);
    for (const [index, status] of way.entries()) {
      const { data } = await here.update({ id, status, expectedVersion: index + 1 });
      expect(data?.updateOrderStatus).toMatchObject({ id, status, version: index + 2, createdAt: CREATED_AT });
      expect(Date.parse(data!.updateOrderStatus.updatedAt)).toBeGreaterThan(Date.parse(CREATED_AT));
    }
    expect(await stored(id)).toEqual({ status: 'CLOSED', version: way.length + 1 });
  });

  test.each([
    ['INITIATED', 'CLOSED', 'allowed'],
    ['MANUFACTURING_STARTED', 'CANCELLED', 'allowed'],
    ['PACKAGING', 'CANCELLED', 'allowed'],
    ['SHIPPED', 'CANCELLED', 'INVALID_TRANSITION'],
    ['SHIPPED', 'PACKAGING', 'INVALID_TRANSITION'],
    ['PACKAGING', 'PACKAGING', 'INVALID_TRANSITION'],
    ['CLOSED', 'CANCELLED', 'INVALID_TRANSITION'],
    ['CANCELLED', 'INITIATED', 'INVALID_TRANSITION'],
    ['CANCELLED', 'CLOSED', 'INVALID_TRANSITION'],
  ])('from %s to %s: %s', async (from, to, expected) => {
    const id = await newOrder(from);
    const answer = await here.update({ id, status: to });
    expect(answer.errors?.[0]?.extensions.code ?? 'allowed').toBe(expected);
    if (expected !== 'allowed') expect(errorOf(answer).message).toContain(`${id} cannot go from ${from} to ${to}`);
    expect(await stored(id)).toEqual(expected === 'allowed' ? { status: to, version: 2 } : { status: from, version: 1 });
  });

  describe('a change that fails changes nothing', () => {
    let good: string;
    let bad: string;

    beforeEach(async () => {
      [good, bad] = await Promise.all([newOrder(), newOrder('SHIPPED', 5)]);
    });

    test.each<[name: string, others: () => Change[], code: string, message: RegExp]>([
      ['an unknown order', () => [{ id: MISSING, status: 'CLOSED' }], 'NOT_FOUND', /no order with the id 0{8}-.*dead/],
      ['an older version', () => [{ id: bad, status: 'CLOSED', expectedVersion: 4 }], 'CONFLICT', /version 5 .*version 4/],
      ['a newer version', () => [{ id: bad, status: 'CLOSED', expectedVersion: 6 }], 'CONFLICT', /version 5 .*version 6/],
      ['a way back', () => [{ id: bad, status: 'PACKAGING' }], 'INVALID_TRANSITION', /can go to: CLOSED\./],
      ['one order twice', () => [{ id: good, status: 'CLOSED' }], 'BAD_USER_INPUT', /each order once/],
      ['one order twice, in capitals', () => [{ id: good.toUpperCase(), status: 'CLOSED' }], 'BAD_USER_INPUT', /each order once/],
      ['no UUID', () => [{ id: '17', status: 'CLOSED' }], 'BAD_USER_INPUT', /"id" must be a UUID, but got: "17"/],
    ])('%s', async (_name, others, code, message) => {
      const answer = await here.updates([{ id: good, status: 'PACKAGING' }, ...others()]);
      expect(answer.data).toBeNull();
      expect(errorOf(answer)).toMatchObject({ code, message: expect.stringMatching(message) });
      expect(await stored(good)).toEqual({ status: 'SUBMITTED', version: 1 });
      expect(await stored(bad)).toEqual({ status: 'SHIPPED', version: 5 });
    });
  });

  test('1 to 500 changes at once, answered in their order', async () => {
    const rows = await plant.insert(...Array.from({ length: 501 }, () => ({ created_at: CREATED_AT })));
    const changes = rows.map(({ id }) => ({ id, status: 'SHIPPED' }));
    for (const wrong of [[], changes]) {
      const message = `"changes" must hold 1 to 500 changes, but holds: ${wrong.length}.`;
      expect(errorOf(await here.updates(wrong))).toMatchObject({ code: 'BAD_USER_INPUT', message });
    }
    const { data } = await here.updates(changes.slice(1));
    expect(data?.updateOrderStatuses.map(({ id }) => id)).toEqual(changes.slice(1).map(({ id }) => id));
    expect(new Set(data?.updateOrderStatuses.map(({ status }) => status))).toEqual(new Set(['SHIPPED']));
  });

  test.each([
    ['a partner', { role: 'partner', partnerId: 'partner-a' }, 'FORBIDDEN', 200],
    ['a service', { role: 'service' }, 'FORBIDDEN', 200],
    ['nobody', undefined, 'UNAUTHENTICATED', 401],
  ])('%s may change nothing, and learns nothing of what exists', async (_name, caller, code, status) => {
    const token = caller && (await tokenFor(caller));
    const client = new GraphqlClient(gateways[0]!, { token });
    const id = await newOrder();
    const [existing, missing] = [
      await client.update({ id, status: 'CLOSED' }),
      await client.update({ id: MISSING, status: 'CLOSED' }),
    ];
    expect(errorOf(existing)).toMatchObject({ code, status });
    expect(existing.text).toBe(missing.text);
    expect(await stored(id)).toEqual({ status: 'SUBMITTED', version: 1 });
  });

  test('of two changes that expect the same version one wins', async () => {
    const id = await newOrder();
    const change = { id, status: 'PACKAGING', expectedVersion: 1 };
    const answers = await Promise.all([here.update(change), there.update(change)]);
    expect(answers.map(({ errors }) => errors?.[0]?.extensions.code ?? 'done').sort()).toEqual(['CONFLICT', 'done']);
    expect(await stored(id)).toEqual({ status: 'PACKAGING', version: 2 });
  });

  test('what was acknowledged here is read there at once, in every window that holds it, and by id', async () => {
    const id = await newOrder('INITIATED');
    const statusIn = async (client: GraphqlClient, createdBy: string, window: number): Promise<string | undefined> =>
      (await client.orders({ createdBy, window })).nodes.find((order) => order.id === id)?.status;
    const views = (client: GraphqlClient): Promise<(string | undefined)[]> =>
      Promise.all([
        statusIn(client, '2025-07-24T15:00Z', 60),
        statusIn(client, '2025-07-24T15:05Z', 10),
        statusIn(client, '2025-07-24T00:00Z', 1_440),
        client.order(id).then((order) => order?.status),
      ]);
    for (const [index, status] of ORDER_STATUSES.slice(1, -1).entries()) {
      await Promise.all([views(here), views(there)]);
      await (index % 2 === 0 ? here : there).update({ id, status });
      expect(await views(index % 2 === 0 ? there : here)).toEqual([status, status, status, status]);
      expect(await views(index % 2 === 0 ? here : there)).toEqual([status, status, status, status]);
    }
  });

  test('a change touches only the windows that hold the order', async () => {
    const [early, late] = ['2025-08-01T10:00Z', '2025-08-01T11:00Z'];
    const [row] = await plant.insert({ created_at: '2025-08-01T10:59:59.999Z' });
    await here.orders({ createdBy: early, window: 120 });
    await here.update({ id: row!.id, status: 'CLOSED' });
    expect((await here.ordersWithCost({ createdBy: late })).cache.outcomes).toEqual({ orders: { 'hit-memory': 1 } });
    expect((await here.ordersWithCost({ createdBy: early })).cache.outcomes).toEqual({ orders: { filled: 1 } });
  });

  test('keys stand in Redis as the contract spells them', async () => {
    await here.orders({ createdBy: '2025-07-24T15:00Z', window: 60 });
    await here.orders();
    await here.ask('{ file(path: "models/ring-17.stl") { size } }');
    const wanted = ['orders:list:createdBy=2025-07-24T15:00Z:TimeWindow=60', 'orders:list:new', 'file:models/ring-17.stl'];
    // The entries are written while the answers are already under way.
    while ((await redis.cli('exists', ...wanted)) !== '3');
    expect((await redis.cli('keys', '*')).split('\n')).toEqual(expect.arrayContaining(wanted));
  });
});
