import { startProxyTo, type Proxy } from './support/proxy.js';
import { emptyRedis } from './support/empty-redis.js';
import { startGateway, type GatewayProcess } from './support/gateway.js';
import { freshPlant, type Plant } from './support/plant.js';
import { tokenFor } from './support/tokens.js';
import { outboxPlant } from './support/feed.js';
import { holdFirst, metric, until, within } from './support/race.js';
import { describeWith } from './support/servers/shared.js';

const WINDOW = `{ orders(createdBy: "2025-07-24T15:00Z", window: 60) { nodes { id status version } } }`;
const ADVANCE = `mutation ($id: ID!) { updateOrderStatus(id: $id, status: SHIPPED) { version } }`;
const PATIENCE = 25_000;

describeWith('postgres', 'redis')('gateways beside other programs', () => {
  let plant: Plant;
  let env: Record<string, string>;
  let gateways: GatewayProcess[];
  let token: string;
  let id: string;
  let proxy: Proxy | undefined;

  beforeEach(async () => {
    plant = await outboxPlant();
    id = (await plant.insert({}))[0]!.id;
    // Long lives: what is seen early is seen by the feed.
    env = {
      MES_DATABASE_URL: plant.url,
      REDIS_URL: await emptyRedis(),
      ORDER_TTL_SECONDS: '600',
      ORDER_FRESH_TTL_SECONDS: '600',
    };
    gateways = [];
    token = await tokenFor({ role: 'operator' });
  });
  afterEach(async () => {
    for (const gateway of gateways) gateway.kill('SIGCONT');
    await Promise.all(gateways.map((gateway) => gateway.stop()));
    await proxy?.close();
    proxy = undefined;
  });

  async function start(more: Record<string, string> = {}): Promise<GatewayProcess> {
    const gateway = await startGateway({ ...env, ...more });
    gateways.push(gateway);
    return gateway;
  }
  const leads = async (gateway: GatewayProcess) => (await metric(gateway, 'mes_feed_leader')) === 1;
  async function leaderOf(...some: GatewayProcess[]): Promise<GatewayProcess> {
    let found: GatewayProcess | undefined;
    await until('a leader', async () => {
      for (const gateway of some) if (await leads(gateway)) found = gateway;
      return found !== undefined;
    });
    return found!;
  }
  async function version(gateway: GatewayProcess): Promise<number> {
    const { data } = await gateway.graphql<{ orders: { nodes: { version: number }[] } }>(WINDOW, {}, { token });
    return data!.orders.nodes[0]!.version;
  }
  const sees = (gateway: GatewayProcess, wanted: number) =>
    until(`version ${wanted} is seen`, async () => (await version(gateway)) === wanted, PATIENCE);

  test('both see at once what another program writes; one is enough when the other is killed or stopped', async () => {
    const two = [await start(), await start()];
    const first = await leaderOf(...two);
    const second = two.find((gateway) => gateway !== first)!;
    for (const gateway of two) await sees(gateway, 1);
    await plant.update(id, { version: 2 });
    for (const gateway of two) await sees(gateway, 2);
    // A stopped process keeps its connection, and with it the lock.
    first.kill('SIGSTOP');
    await plant.update(id, { version: 3 });
    await sees(second, 3);
    first.kill('SIGCONT');
    await sees(first, 3);
    const leader = await leaderOf(...two);
    expect(leader).toBe(second);
    leader.kill('SIGKILL');
    await plant.update(id, { version: 4 });
    await sees(first, 4);
    expect(await leads(first)).toBe(true);
    expect(await metric(first, 'mes_feed_connected')).toBe(1);
    expect(await metric(first, 'mes_feed_changes_total{source="outside"}')).toBeGreaterThan(0);
    await until('nothing waits', async () => (await metric(first, 'mes_feed_lag_seconds')) === 0);
  }, 90_000);

  test('what a gateway has committed is seen although it was killed before it could tell', async () => {
    const other = await start();
    await leaderOf(other);
    const through = await startProxyTo(plant.url);
    proxy = through.proxy;
    const dying = await start({ MES_DATABASE_URL: through.url });
    for (const gateway of [other, dying]) await sees(gateway, 1);
    const hold = holdFirst(proxy, 'COMMIT');
    const answer = dying.graphql(ADVANCE, { id }, { token }).catch(() => 'died');
    await within('the commit', hold.heldOnce);
    dying.kill('SIGKILL');
    expect(await answer).toBe('died');
    await sees(other, 2);
    expect(await metric(other, 'mes_feed_taken_over_total')).toBe(1);
    hold.release();
  }, 60_000);

  test('a mutation is renewed by its own gateway alone', async () => {
    const one = await start();
    await leaderOf(one);
    await sees(one, 1);
    await one.graphql(ADVANCE, { id }, { token });
    expect(await version(one)).toBe(2);
    await until('the feed has read it', async () => (await metric(one, 'mes_feed_changes_total{source="gateway"}')) === 1);
    await until('nothing waits', async () => (await metric(one, 'mes_feed_lag_seconds')) === 0);
    expect(await metric(one, 'mes_feed_taken_over_total')).toBe(0);
  });

  test('polling sees what other programs write, in a database without anything of the gateway', async () => {
    plant = await freshPlant();
    id = (await plant.insert({ updated_at: new Date().toISOString() }))[0]!.id;
    const one = await start({ MES_DATABASE_URL: plant.url, CHANGE_FEED: 'poll', CHANGE_FEED_POLL_MS: '100' });
    await leaderOf(one);
    await sees(one, 1);
    await plant.update(id, { version: 2, updated_at: new Date().toISOString() });
    await sees(one, 2);
  });

  test('without an outbox: CHANGE_FEED=outbox does not start, absent starts with a warning', async () => {
    plant = await freshPlant();
    env = { ...env, MES_DATABASE_URL: plant.url };
    await expect(start({ CHANGE_FEED: 'outbox' })).rejects.toThrow(/CHANGE_FEED: expected .* outbox, but .*npm run migrate/);
    const one = await start();
    expect(one.output()).toContain('CHANGE_FEED is off');
    expect(one.output()).toContain('npm run migrate');
    expect(await metric(one, 'mes_feed_connected')).toBe(0);
    expect(await (await one.get('/readyz')).text()).toContain('"ready"');
  });

  test('a database that is down at the start is followed when it is up', async () => {
    const through = await startProxyTo(plant.url);
    proxy = through.proxy;
    await proxy.refuse(true);
    const one = await startGateway({ ...env, MES_DATABASE_URL: through.url }, { untilReady: false });
    gateways.push(one);
    await until('it says so', () => one.output().includes('the change feed does not work'));
    await proxy.refuse(false);
    await until('it is ready', () =>
      one.get('/readyz').then(
        ({ ok }) => ok,
        () => false,
      ),
    );
    await leaderOf(one);
    await sees(one, 1);
    await plant.update(id, { version: 2 });
    await sees(one, 2);
    expect(one.output()).toContain('the change feed works again');
  }, 60_000);
});
