import { startGateway, type GatewayProcess } from './support/gateway.js';
import { freshPlant, type Plant } from './support/plant.js';
import { tokenFor } from './support/tokens.js';
import { startProxyTo } from './support/proxy.js';
import { holdFirst, until, within } from './support/race.js';
import { startPostgres, type PostgresServer } from './support/servers/postgres.js';
import { describeWith } from './support/servers/shared.js';

const WINDOW = `query ($at: DateTime!) { orders(createdBy: $at) { nodes { status } } }`;
const ORDER = `query ($id: ID!) { order(id: $id) { status } }`;
const ADVANCE = `mutation ($id: ID!, $status: OrderStatus!) { updateOrderStatus(id: $id, status: $status) { status } }`;
const WARM = { at: '2025-07-24T15:00Z' };
const COLD = { at: '2025-07-24T18:00Z' };
const INTERNALS = /postgres|ECONN|127\.0\.0\.1|knex|select|tarn|stack|terminat|timeout/i;

describeWith('postgres')('an outage of the database', () => {
  let server: PostgresServer;
  let plant: Plant;
  let id: string;
  let operator: string;
  let gateway: GatewayProcess | undefined;

  beforeAll(async () => {
    // A commit that was acknowledged survives the kill.
    server = await startPostgres({ extraArgs: ['-c', 'synchronous_commit=on'] });
    operator = await tokenFor({ role: 'operator' });
  });
  beforeEach(async () => {
    plant = await freshPlant({ server: server.url });
    id = (await plant.insert({ status: 'INITIATED' }))[0]!.id;
  });
  afterEach(async () => {
    await gateway?.stop();
    await server.restart();
  });
  afterAll(() => server.stop());

  const ask = (query: string, variables: Record<string, unknown>) =>
    within('an answer', gateway!.graphql(query, variables, { token: operator }), 20_000);
  const expectUnavailable = async (query: string, variables: Record<string, unknown>, message = 'database does not answer') => {
    const answer = await ask(query, variables);
    expect(answer.errors).toMatchObject([
      { message: expect.stringContaining(message), extensions: { code: 'SOURCE_UNAVAILABLE' } },
    ]);
    expect(answer.text).not.toMatch(INTERNALS);
  };
  const ready = async () => {
    const answer = await gateway!.get('/readyz');
    return { status: answer.status, body: await answer.text() };
  };
  const healed = () => until('the gateway is ready', async () => (await ready()).status === 200);

  const startWithoutDatabase = async () => {
    await server.kill();
    const started = (gateway = await startGateway({ MES_DATABASE_URL: plant.url }, { untilReady: false }));
    const answers = () => started.get('/healthz').then(({ ok }) => ok);
    await until('the process answers', () => answers().catch(() => false));
  };

  test('down at the start: starts, says so, and heals', async () => {
    await startWithoutDatabase();
    const state = await ready();
    expect(state.status).toBe(503);
    expect(JSON.parse(state.body)).toMatchObject({ status: 'not ready', database: expect.stringContaining('does not answer') });
    expect(state.body).not.toMatch(INTERNALS);
    await expectUnavailable(WINDOW, WARM);
    await server.restart();
    await healed();
    expect((await ask(WINDOW, WARM)).data).toEqual({ orders: { nodes: [{ status: 'INITIATED' }] } });
  });

  test('that comes up without the table: not ready, and says what is missing', async () => {
    await plant.query('alter table orders rename to later');
    await startWithoutDatabase();
    await server.restart();
    await until('the missing table is named', async () => (await ready()).body.includes('\\"orders\\"'));
    expect((await ready()).status).toBe(503);
    await plant.query('alter table later rename to orders');
    await healed();
  });

  test('killed: what is cached is answered, the rest says so, and it heals', async () => {
    gateway = await startGateway({ MES_DATABASE_URL: plant.url });
    await ask(WINDOW, WARM);
    await ask(ORDER, { id });
    await server.kill();
    const cached = { orders: { nodes: [{ status: 'INITIATED' }] } };
    expect((await ask(WINDOW, WARM)).data).toEqual(cached);
    expect((await ask(ORDER, { id })).data).toEqual({ order: { status: 'INITIATED' } });
    await expectUnavailable(WINDOW, COLD);
    await expectUnavailable(ADVANCE, { id, status: 'SUBMITTED' });
    expect((await ready()).status).toBe(503);
    expect((await ask(WINDOW, WARM)).data).toEqual(cached);
    await server.restart();
    await healed();
    expect((await ask(WINDOW, COLD)).data).toEqual({ orders: { nodes: [] } });
    expect((await ask(ADVANCE, { id, status: 'SUBMITTED' })).errors).toBeUndefined();
    expect((await ask(WINDOW, WARM)).data).toEqual({ orders: { nodes: [{ status: 'SUBMITTED' }] } });
  });

  test('what has expired is answered for a while, and marked as stale', async () => {
    gateway = await startGateway({ MES_DATABASE_URL: plant.url, ORDER_TTL_SECONDS: '1', STALE_MAX_SECONDS: '3' });
    const { data: cached } = await ask(WINDOW, WARM);
    await server.kill();
    await until('the entry has expired', async () => (await ask(WINDOW, WARM)).extensions?.cache?.stale === true);
    const stale = await ask(WINDOW, WARM);
    expect(stale).toMatchObject({ data: cached, extensions: { cache: { stale: true, outcomes: { orders: { stale: 1 } } } } });
    expect(await (await gateway.get('/metrics')).text()).toMatch(
      /mes_cache_outcomes_total\{entity="orders",outcome="stale"\} [1-9]/,
    );
    await until('the entry is too old', async () => (await ask(WINDOW, WARM)).errors !== undefined);
    await expectUnavailable(WINDOW, WARM);
    await server.restart();
    await healed();
    expect((await ask(WINDOW, WARM)).extensions).toBeUndefined();
  });

  describe('that does not answer any more', () => {
    const viaProxy = async () => {
      const { proxy, url } = await startProxyTo(plant.url);
      gateway = await startGateway({ MES_DATABASE_URL: url, MES_DATABASE_TIMEOUT_SECONDS: '1' });
      return proxy;
    };

    test('frozen: misses and changes fail in time, and it heals', async () => {
      const proxy = await viaProxy();
      await ask(WINDOW, WARM);
      proxy.pause();
      const began = performance.now();
      await Promise.all([expectUnavailable(WINDOW, COLD), expectUnavailable(ADVANCE, { id, status: 'SUBMITTED' })]);
      // A second until the statement is given up, five until the rollback is, and as much for a busy machine.
      expect(performance.now() - began).toBeLessThan(12_000);
      expect((await ready()).status).toBe(503);
      expect((await ask(WINDOW, WARM)).data).toEqual({ orders: { nodes: [{ status: 'INITIATED' }] } });
      proxy.resume();
      await healed();
      expect((await ask(WINDOW, COLD)).data).toEqual({ orders: { nodes: [] } });
      await proxy.close();
    });

    test('frozen at the commit: the change fails in time', async () => {
      const proxy = await viaProxy();
      expect((await ask(WINDOW, WARM)).data).toEqual({ orders: { nodes: [{ status: 'INITIATED' }] } });
      const hold = holdFirst(proxy, 'COMMIT');
      const change = expectUnavailable(ADVANCE, { id, status: 'SUBMITTED' }, 'did not confirm the change');
      await within('the held commit', hold.heldOnce);
      await change;
      hold.release();
      // It was made all the same; a reader must not be kept from it by an entry from before.
      expect((await ask(WINDOW, WARM)).data).toEqual({ orders: { nodes: [{ status: 'SUBMITTED' }] } });
      await proxy.close();
    });
  });
});
