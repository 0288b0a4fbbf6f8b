import { emptyRedis } from './support/empty-redis.js';
import { startGateway, type GatewayProcess } from './support/gateway.js';
import { freshPlant } from './support/plant.js';
import { tokenFor } from './support/tokens.js';
import { startProxyTo } from './support/proxy.js';
import { countAnswers, holdFirst, within } from './support/race.js';
import { describeWith } from './support/servers/shared.js';

const READERS = 300;
/** Without deadlines that a busy machine might miss: what is counted here is loads, not outages, nor processes that stall. */
const PATIENT = { STORE_DEADLINE_MS: '10000', FILL_LOCK_MS: '30000' };
const WINDOW = `{ orders(createdBy: "2025-07-24T15:00Z", window: 60) { totalCount nodes { id } } }`;

/** Scans of the table as Postgres counts them; a backend reports them when it ends, so the gateway must have ended. */
const SCANS = `select (seq_scan + coalesce(idx_scan, 0))::int as scans from pg_stat_user_tables where relname = 'orders'`;

describeWith('postgres', 'redis')('300 readers of one cold window', () => {
  test.each(['memory', 'Redis'])('cost one statement with %s', async (store) => {
    const plant = await freshPlant();
    const [order] = await plant.insert({ created_at: '2025-07-24T15:10:00Z' });
    const { proxy, url } = await startProxyTo(plant.url);
    let gateway: GatewayProcess | undefined;
    try {
      const redis: Record<string, string> = store === 'Redis' ? { REDIS_URL: await emptyRedis() } : {};
      gateway = await startGateway({ MES_DATABASE_URL: url, ...PATIENT, ...redis });
      const { graphql } = gateway;
      const token = await tokenFor({ role: 'operator' });
      const [before] = await plant.query(SCANS);
      const answers = countAnswers(proxy, order!.id);
      const hold = holdFirst(proxy, order!.id);
      const reads = Array.from({ length: READERS }, () => graphql<{ orders: { totalCount: number } }>(WINDOW, {}, { token }));
      await within('the held answer', hold.heldOnce);
      // Sent after them all; most of them wait for the load by now. Whoever is late meets the cache.
      await graphql('{ __typename }', {}, { token });
      hold.release();
      const counts = (await Promise.all(reads)).map(({ data }) => data?.orders.totalCount);
      expect(counts).toEqual(Array.from({ length: READERS }, () => 1));
      expect(answers()).toBe(1);
      expect(await gateway.stop()).toBe(0);
      const [after] = await plant.query(SCANS);
      expect(Number(after!['scans']) - Number(before!['scans'])).toBe(1);
    } finally {
      await gateway?.stop();
      await proxy.close();
    }
  });

  test('on three instances at once cost one statement in all', async () => {
    const plant = await freshPlant();
    await plant.insert({ created_at: '2025-07-24T15:10:00Z' });
    const env = { MES_DATABASE_URL: plant.url, REDIS_URL: await emptyRedis(), ...PATIENT };
    const gateways = await Promise.all([startGateway(env), startGateway(env), startGateway(env)]);
    try {
      const token = await tokenFor({ role: 'operator' });
      const [before] = await plant.query(SCANS);
      const reads = gateways.flatMap(({ graphql }) =>
        Array.from({ length: READERS / 3 }, () => graphql<{ orders: { totalCount: number } }>(WINDOW, {}, { token })),
      );
      const counts = (await Promise.all(reads)).map(({ data }) => data?.orders.totalCount);
      expect(new Set(counts)).toEqual(new Set([1]));
      for (const gateway of gateways) expect(await gateway.stop()).toBe(0);
      const [after] = await plant.query(SCANS);
      expect(Number(after!['scans']) - Number(before!['scans'])).toBe(1);
    } finally {
      await Promise.all(gateways.map((gateway) => gateway.stop()));
    }
  });
});
