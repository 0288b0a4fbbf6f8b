import type { Store } from '../src/cache/store.js';
import { FeedState } from '../src/changes/feed-state.js';
import { GraphqlClient } from './support/graphql-client.js';
import { emptyRedis } from './support/empty-redis.js';
import { startGateway, type GatewayProcess } from './support/gateway.js';
import { freshPlant, type Plant } from './support/plant.js';
import { tokenFor } from './support/tokens.js';
import { caughtUp, outboxPlant } from './support/feed.js';
import { TRANSPORTS, type Followed } from './support/live.js';
import { openRedisStore } from './support/open-store.js';
import { describeWith } from './support/servers/shared.js';

interface Seen {
  id: string;
  number: string;
  status: string;
  version: number;
}

const FIELDS = 'id number status version';
const CHANGED = `subscription Changed($createdBy: DateTime, $window: Int, $status: [OrderStatus!]) {
  orderChanged(createdBy: $createdBy, window: $window, status: $status) { ${FIELDS} }
}`;
const NEW = `subscription { newOrders { ${FIELDS} } }`;
const REMOVED = `subscription Removed($createdBy: DateTime, $window: Int) { orderRemoved(createdBy: $createdBy, window: $window) }`;

describeWith('postgres', 'redis')('subscriptions of two gateways on one Redis', () => {
  let plant: Plant;
  let one: GatewayProcess;
  let other: GatewayProcess;
  let operator: string;
  let partnerA: string;
  let partnerB: string;
  let store: Store;
  const running: { stop: () => void }[] = [];

  beforeAll(async () => {
    plant = await outboxPlant();
    const redis = await emptyRedis();
    store = await openRedisStore([redis]);
    const env = { MES_DATABASE_URL: plant.url, REDIS_URL: redis, CHANGE_FEED: 'outbox' };
    [one, other] = await Promise.all([startGateway(env), startGateway(env)]);
    operator = await tokenFor({ role: 'operator' });
    partnerA = await tokenFor({ role: 'partner', partnerId: 'partner-a' });
    partnerB = await tokenFor({ role: 'partner', partnerId: 'partner-b' });
  });

  afterEach(async () => {
    for (const followed of running.splice(0)) followed.stop();
    // What was committed just before a subscription may be told as well; the next test is not to see it.
    await caughtUp(new FeedState(store, 'default'), plant);
  });

  afterAll(() => Promise.all([one.stop(), other.stop(), store.close()]));

  describe.each(TRANSPORTS)('by %s', (_name, open) => {
    const follow = async <T>(
      gateway: GatewayProcess,
      token: string,
      query: string,
      variables: object = {},
    ): Promise<Followed<T>> => {
      const followed = open<T>(gateway.url, token, { query, variables: { ...variables } });
      running.push(followed);
      await followed.begin();
      return followed;
    };
    const changed = (token: string, variables: object = {}) => follow<{ orderChanged: Seen }>(one, token, CHANGED, variables);

    test('tell of a mutation on another gateway', async () => {
      const [order] = await plant.insert({ status: 'SUBMITTED' });
      const followed = await changed(operator);
      await new GraphqlClient(other, { token: operator }).update({ id: order!.id, status: 'PACKAGING' });
      await followed.until('the change', () => followed.data.at(-1)?.orderChanged.version === 2);
      expect(followed.data.at(-1)).toEqual({ orderChanged: { id: order!.id, number: 'ORD-1', status: 'PACKAGING', version: 2 } });
    });

    test('tell of what another program writes: inserted, changed, deleted', async () => {
      const [all, fresh, gone] = [
        await changed(operator),
        await follow<{ newOrders: Seen }>(one, operator, NEW),
        await follow<{ orderRemoved: string }>(one, operator, REMOVED),
      ];
      const [order] = await plant.insert({ number: 'NEW-1' });
      await Promise.all([all.count(1), fresh.count(1)]);
      await plant.update(order!.id, { status: 'PACKAGING', version: 2 });
      await all.count(2);
      await plant.query('delete from orders where id = $1', [order!.id]);
      await gone.count(1);
      expect(all.data.map(({ orderChanged: { number, version } }) => [number, version])).toEqual([
        ['NEW-1', 1],
        ['NEW-1', 2],
      ]);
      expect(fresh.data).toEqual([{ newOrders: expect.objectContaining({ id: order!.id, version: 1 }) }]);
      expect(gone.data).toEqual([{ orderRemoved: order!.id }]);
    });

    test('tell a partner of own orders only, and of one that was given away', async () => {
      const [a, b] = [await changed(partnerA), await changed(partnerB)];
      const [aGone, bGone] = [
        await follow<{ orderRemoved: string }>(one, partnerA, REMOVED),
        await follow<{ orderRemoved: string }>(one, partnerB, REMOVED),
      ];
      const [mine, given] = await plant.insert(
        { partner_id: 'partner-a', number: 'A' },
        { partner_id: 'partner-b', number: 'B' },
        { partner_id: null },
      );
      await Promise.all([a.count(1), b.count(1)]);
      await plant.update(given!.id, { partner_id: 'partner-a', version: 2 });
      await Promise.all([a.count(2), bGone.count(1)]);
      await plant.query('delete from orders where id = $1', [mine!.id]);
      await aGone.count(1);
      expect(a.data.map(({ orderChanged: { number } }) => number)).toEqual(['A', 'B']);
      expect(b.data.map(({ orderChanged: { number } }) => number)).toEqual(['B']);
      expect(bGone.data).toEqual([{ orderRemoved: given!.id }]);
      expect(aGone.data).toEqual([{ orderRemoved: mine!.id }]);
    });

    test('keep to the window and the statuses that were asked for', async () => {
      const window = { createdBy: '2025-07-24T15:00Z', window: 60 };
      const inWindow = await changed(operator, window);
      const packed = await changed(operator, { status: ['PACKAGING'] });
      const gone = await follow<{ orderRemoved: string }>(one, operator, REMOVED, window);
      const [inside] = await plant.insert({ number: 'IN' }, { number: 'OUT', created_at: '2025-07-24T16:00:00Z' });
      await inWindow.count(1);
      await plant.update(inside!.id, { status: 'PACKAGING', version: 2 });
      await Promise.all([inWindow.count(2), packed.count(1)]);
      await plant.update(inside!.id, { created_at: '2025-07-24T16:00:00Z', version: 3 });
      await gone.count(1);
      expect(inWindow.data.map(({ orderChanged: { number, version } }) => [number, version])).toEqual([
        ['IN', 1],
        ['IN', 2],
      ]);
      expect(packed.data[0]!.orderChanged).toMatchObject({ number: 'IN', status: 'PACKAGING' });
      expect(gone.data).toEqual([{ orderRemoved: inside!.id }]);
    });

    test('are followed by a query that has the change already, on any gateway', async () => {
      const [order] = await plant.insert({ status: 'SUBMITTED' });
      const readers = [one, other].map((gateway) => new GraphqlClient(gateway, { token: operator }));
      const followed = await changed(operator);
      for (let version = 2; version < 12; version += 1) {
        for (const reader of readers) await reader.order(order!.id);
        await plant.update(order!.id, { version });
        await followed.until('the event', () => followed.data.at(-1)?.orderChanged.version === version);
        for (const reader of readers) expect(await reader.order(order!.id)).toMatchObject({ version });
      }
    });

    test('tell of the versions of one order in their order', async () => {
      const [order] = await plant.insert({ status: 'SUBMITTED' });
      const followed = await changed(operator);
      for (let version = 2; version <= 60; version += 1) await plant.update(order!.id, { version });
      await followed.until('the last', () => followed.data.at(-1)?.orderChanged.version === 60);
      const versions = followed.data.map(({ orderChanged }) => orderChanged.version);
      expect(versions).toEqual([...versions].sort((a, b) => a - b));
    });
  });
});

describeWith('postgres')('subscriptions of a gateway that polls its database', () => {
  test('tell of what another program inserts and changes', async () => {
    const plant = await freshPlant();
    const gateway = await startGateway({ MES_DATABASE_URL: plant.url, CHANGE_FEED: 'poll', CHANGE_FEED_POLL_MS: '100' });
    const token = await tokenFor({ role: 'operator' });
    const [old] = await plant.insert({ number: 'OLD' });
    for (const [, open] of TRANSPORTS) {
      const all = open<{ orderChanged: Seen }>(gateway.url, token, { query: CHANGED });
      const fresh = open<{ newOrders: Seen }>(gateway.url, token, { query: NEW });
      await Promise.all([all.begin(), fresh.begin()]);
      const now = (): string => new Date().toISOString();
      const [order] = await plant.insert({ number: 'NEW', created_at: now() });
      await all.until('the insert', () => all.data.some(({ orderChanged: { id } }) => id === order!.id));
      for (const { id } of [order!, old!]) await plant.update(id, { version: 9, updated_at: now() });
      const changed = (id: string) => all.data.some(({ orderChanged }) => orderChanged.id === id && orderChanged.version === 9);
      await all.until('the changes', () => changed(order!.id) && changed(old!.id));
      const ids = fresh.data.map(({ newOrders: { id } }) => id);
      expect(ids.filter((id) => id === order!.id || id === old!.id)).toEqual([order!.id]);
      all.stop();
      fresh.stop();
    }
    await gateway.stop();
  });
});
