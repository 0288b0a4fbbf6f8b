import { startGateway, type GatewayProcess } from './support/gateway.js';
import { freshPlant, type Plant } from './support/plant.js';
import { tokenFor } from './support/tokens.js';
import { metric, until } from './support/race.js';
import { startRedis, type RedisServer } from './support/servers/redis.js';
import { describeWith } from './support/servers/shared.js';

const WINDOW = `{ orders(createdBy: "2025-07-24T15:00Z", window: 60) { nodes { id status } } }`;
const ADVANCE = `mutation ($id: ID!, $status: OrderStatus!) { updateOrderStatus(id: $id, status: $status) { status } }`;

const DEADLINE = 50;
/**
 * A read waits at most for the store read that is under way, for its own, and for one write of tokens, each up to the
 * deadline. The rest is for the statement and for two busy cores.
 */
const LONGEST = 3 * DEADLINE + 2_500;

describeWith('postgres', 'redis')('an outage of Redis', () => {
  let redis: RedisServer;
  let plant: Plant;
  let id: string;
  let operator: string;
  let a: GatewayProcess;
  let b: GatewayProcess;
  const extra: GatewayProcess[] = [];
  const start = () =>
    startGateway({ MES_DATABASE_URL: plant.url, REDIS_URL: redis.url, STORE_DEADLINE_MS: String(DEADLINE), LOG_LEVEL: 'warn' });

  beforeAll(async () => {
    redis = await startRedis();
    plant = await freshPlant();
    operator = await tokenFor({ role: 'operator' });
    [a, b] = await Promise.all([start(), start()]);
  });
  beforeEach(async () => {
    await plant.query('truncate orders');
    id = (await plant.insert({ status: 'INITIATED' }))[0]!.id;
    await redis.restart();
    await Promise.all([a, b].map(connected));
    await change(a, 'FILE_UPLOADED');
    for (const gateway of [a, b]) expect(await read(gateway)).toBe('FILE_UPLOADED');
  });
  afterAll(async () => {
    await Promise.all([a, b, ...extra].map((gateway) => gateway.stop()));
    await redis.stop();
  });

  const ask = async (gateway: GatewayProcess) => {
    const answer = await gateway.graphql<{ orders: { nodes: { status: string }[] } }>(
      WINDOW,
      {},
      { token: operator, headers: { 'x-cache-debug': '1' } },
    );
    const outcome = Object.keys(answer.extensions?.cache?.outcomes['orders'] ?? {}).join();
    return { status: answer.data?.orders.nodes[0]?.status ?? answer.text, outcome };
  };
  const read = async (gateway: GatewayProcess) => (await ask(gateway)).status;
  const connected = (gateway: GatewayProcess) =>
    until('the gateway uses Redis', async () => (await ask(gateway)).outcome.startsWith('hit'));
  const change = async (gateway: GatewayProcess, status: string) => {
    const answer = await gateway.graphql(ADVANCE, { id, status }, { token: operator });
    expect(answer.errors).toBeUndefined();
  };

  /** Readers that ask without a pause until told to stop; each answer must be `expected`. */
  function load(gateway: GatewayProcess, expected: string) {
    let stopped = false;
    let longest = 0;
    let count = 0;
    const reader = async () => {
      while (!stopped) {
        const began = performance.now();
        expect(await read(gateway)).toBe(expected);
        longest = Math.max(longest, performance.now() - began);
        count += 1;
      }
    };
    const readers = Promise.all(Array.from({ length: 8 }, reader));
    return {
      count: () => count,
      stop: async () => {
        stopped = true;
        await readers;
        return longest;
      },
    };
  }
  const more = async (running: ReturnType<typeof load>) => {
    const before = running.count();
    await until('50 more answers', () => running.count() >= before + 50);
  };

  test('down at the start: ready, answers from the database, and uses Redis when it comes', async () => {
    await redis.kill();
    const c = await start();
    extra.push(c);
    expect(await ask(c)).toEqual({ status: 'FILE_UPLOADED', outcome: 'bypassed' });
    expect(await metric(c, 'mes_store_available')).toBe(0);
    const ready = await c.get('/readyz');
    expect(ready.status).toBe(200);
    expect(await ready.json()).toMatchObject({ database: 'ok', store: expect.stringContaining('not reachable') });
    await change(c, 'SUBMITTED');
    expect(await read(c)).toBe('SUBMITTED');
    await redis.restart();
    await connected(c);
    await until('nothing is pending', async () => (await metric(c, 'mes_pending_renewals')) === 0);
    expect(await metric(c, 'mes_store_available')).toBe(1);
  });

  test.each([
    { what: 'killed and restarted', break: () => redis.kill(), mend: () => redis.restart() },
    { what: 'frozen and thawed', break: () => Promise.resolve(redis.freeze()), mend: () => Promise.resolve(redis.thaw()) },
  ])('$what under load: every read answers, none late, and it heals', async (fault) => {
    const running = load(a, 'FILE_UPLOADED');
    await more(running);
    await fault.break();
    await until('the breaker is open', async () => (await metric(a, 'mes_store_available')) === 0);
    await more(running);
    await fault.mend();
    await until('the breaker is closed', async () => (await metric(a, 'mes_store_available')) === 1);
    await more(running);
    const longest = await running.stop();
    process.stderr.write(`${fault.what}: longest read ${Math.round(longest)} ms\n`);
    expect(longest).toBeLessThan(LONGEST);
    await connected(a);
  });

  test('restarted from an old snapshot: nothing old is read, by old and new processes', async () => {
    await redis.cli('save');
    await change(a, 'SUBMITTED');
    for (const gateway of [a, b]) expect(await read(gateway)).toBe('SUBMITTED');
    await redis.restart();
    const held = await redis.cli('get', 'orders:list:createdBy=2025-07-24T15:00Z:TimeWindow=60');
    expect(held).toContain('FILE_UPLOADED');
    const c = await start();
    extra.push(c);
    for (const gateway of [c, a, b]) {
      await until('the gateway uses Redis again', async () => {
        const { status, outcome } = await ask(gateway);
        expect(status).toBe('SUBMITTED');
        return outcome.startsWith('hit');
      });
    }
  });

  test('a change while it is frozen is acknowledged, pending, and known to all after the thaw', async () => {
    redis.freeze();
    try {
      const began = performance.now();
      await change(a, 'SUBMITTED');
      expect(performance.now() - began).toBeLessThan(LONGEST);
      expect(await metric(a, 'mes_pending_renewals')).toBeGreaterThan(0);
      for (const gateway of [a, b]) expect(await read(gateway)).toBe('SUBMITTED');
    } finally {
      redis.thaw();
    }
    await until('the renewal was written', async () => {
      expect(await read(a)).toBe('SUBMITTED');
      return (await metric(a, 'mes_pending_renewals')) === 0;
    });
    for (const gateway of [b, a]) {
      expect(await read(gateway)).toBe('SUBMITTED');
      await connected(gateway);
      expect(await read(gateway)).toBe('SUBMITTED');
    }
  });
});
