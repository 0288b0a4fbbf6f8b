import { PutObjectCommand } from '@aws-sdk/client-s3';
import { emptyRedis } from './support/empty-redis.js';
import { startGateway, type GatewayProcess } from './support/gateway.js';
import { freshPlant, type Plant } from './support/plant.js';
import { tokenFor } from './support/tokens.js';
import { s3Client, s3Environment } from './support/servers/s3.js';
import { describeWith, sharedS3 } from './support/servers/shared.js';

const ROWS = 200_000;

/** 90 days up to the start of this hour, so that nothing but the edge rows lies in the last hours. */
const FILL = `insert into orders
  select gen_random_uuid(), 'ORD-' || n, (array['INITIATED','SUBMITTED','SHIPPED','CLOSED'])[1 + n % 4],
    created, created, 1, 'partner-' || (array['a','b','c'])[1 + n % 3], 'Werk ' || n % 50, 'ring', 'steel', 1 + n % 20, n, 'EUR',
    case when n % 10 = 0 then 'models/ring ü+1.stl' end
  from (select n, timestamptz '2025-07-20' - interval '90 days' * n / ${ROWS} - interval '1 microsecond' * (n % 1000) as created
        from generate_series(1, ${ROWS}) as n) as numbered`;

/** The names that somebody else chose, under a view that has those of the contract. */
const AS_VIEW = `create schema mes;
  create table mes.auftraege as select id as auftrag, number, status, created_at as angelegt, updated_at, version, partner_id,
    customer, product, material, quantity, price_minor, currency, file_path from orders;
  alter table mes.auftraege add primary key (auftrag);
  create index on mes.auftraege (angelegt);
  drop table orders;
  create view orders as select auftrag as id, number, status, angelegt as created_at, updated_at, version, partner_id,
    customer, product, material, quantity, price_minor, currency, file_path from mes.auftraege`;

const EDGES = [
  '2025-07-24T14:59:59.999999Z',
  '2025-07-24T15:00:00.000000Z',
  '2025-07-24T15:00:00.000001Z',
  '2025-07-24T15:59:59.999499Z',
  '2025-07-24T15:59:59.999999Z',
  '2025-07-24T16:00:00.000000Z',
];
const PATH = 'models/ring ü+1.stl';
const COUNT = `query ($at: DateTime!, $window: Int!) { orders(createdBy: $at, window: $window, first: 1) { totalCount nodes { id } } }`;

describeWith('postgres', 'redis', 's3').each(['table', 'view'])('servers of somebody else, "orders" being a %s', (kind) => {
  let plant: Plant;
  let gateway: GatewayProcess;
  let operator: string;

  beforeAll(async () => {
    plant = await freshPlant();
    await plant.query(FILL);
    await plant.insert(...EDGES.map((created_at, index) => ({ created_at, number: `EDGE-${index}`, file_path: PATH })));
    if (kind === 'view') await plant.query(AS_VIEW);
    const s3 = sharedS3();
    const bucket = await s3.newBucket();
    const client = s3Client(s3);
    await client.send(new PutObjectCommand({ Bucket: bucket, Key: PATH, Body: 'solid ring' }));
    client.destroy();
    operator = await tokenFor({ role: 'operator' });
    gateway = await startGateway({
      MES_DATABASE_URL: plant.url,
      REDIS_URL: await emptyRedis(),
      CHANGE_FEED: 'off',
      ...s3Environment(s3, bucket),
    });
  }, 60_000);
  afterAll(() => gateway.stop());

  const ask = async <T>(query: string, variables: Record<string, unknown> = {}, token = operator): Promise<T> => {
    const answer = await gateway.graphql<T>(query, variables, { token });
    if (!answer.data || answer.errors) throw new Error(answer.text);
    return answer.data;
  };
  const numbers = async (at: string, window: number) => {
    const query = `query ($at: DateTime!, $window: Int!) { orders(createdBy: $at, window: $window) { nodes { number } } }`;
    const { orders } = await ask<{ orders: { nodes: { number: string }[] } }>(query, { at, window });
    return orders.nodes.map(({ number }) => number);
  };

  test('a row is in exactly one window, also within a microsecond of its edge', async () => {
    expect(await numbers('2025-07-24T14:00Z', 60)).toEqual(['EDGE-0']);
    expect((await numbers('2025-07-24T15:00Z', 60)).sort()).toEqual(['EDGE-1', 'EDGE-2', 'EDGE-3', 'EDGE-4']);
    expect(await numbers('2025-07-24T16:00Z', 60)).toEqual(['EDGE-5']);
    // An edge that is no edge of a tile: times are whole milliseconds here, floored.
    expect(await numbers('2025-07-24T15:58:59.999Z', 1)).toEqual([]);
    expect((await numbers('2025-07-24T15:59:59.999Z', 1)).sort()).toEqual(['EDGE-3', 'EDGE-4', 'EDGE-5']);
    const [row] = await plant.query(`select count(*)::int as count from orders
      where created_at >= '2025-07-01T07:00Z' and created_at < '2025-07-01T08:00Z'`);
    const { orders } = await ask<{ orders: { totalCount: number } }>(COUNT, { at: '2025-07-01T07:00Z', window: 60 });
    expect(orders.totalCount).toBe(row!['count']);
    expect(orders.totalCount).toBeGreaterThan(80);
  });

  test('all 200 000 rows are found, window after window', async () => {
    let total = 0;
    for (let at = Date.parse('2025-04-20T00:00Z'); at < Date.parse('2025-07-25T00:00Z'); at += 31 * 86_400_000) {
      const window = 31 * 24 * 60;
      const { orders } = await ask<{ orders: { totalCount: number } }>(COUNT, { at: new Date(at).toISOString(), window });
      total += orders.totalCount;
    }
    expect(total).toBe(ROWS + EDGES.length);
  });

  test('every query and mutation of the schema works', async () => {
    const page = `query ($after: String) { orders(createdBy: "2025-07-01T00:00Z", window: 1440, first: 100, status: [SHIPPED], after: $after)
      { totalCount asOf pageInfo { hasNextPage endCursor } edges { cursor node { id status file { path size } } } } }`;
    type Page = {
      orders: { totalCount: number; pageInfo: { hasNextPage: boolean; endCursor: string }; edges: { node: { id: string } }[] };
    };
    const seen = new Set<string>();
    for (let after: string | undefined, more = true; more;) {
      const { orders } = await ask<Page>(page, { after });
      for (const { node } of orders.edges) seen.add(node.id);
      ({ hasNextPage: more, endCursor: after } = orders.pageInfo);
      if (!more) expect(seen.size).toBe(orders.totalCount);
    }
    await ask('{ today: orders { totalCount } last: orders(window: 30) { totalCount } }');
    const edge = `{ orders(createdBy: "2025-07-24T16:00Z") { nodes { id status version updatedAt file { url size etag contentType } } } }`;
    type Edge = { orders: { nodes: { id: string; status: string; version: number; file: { url: string; size: number } }[] } };
    const [order] = (await ask<Edge>(edge)).orders.nodes;
    expect(order!.file.size).toBe(10);
    expect(await (await fetch(order!.file.url)).text()).toBe('solid ring');
    const { file } = await ask<{ file: { url: string } }>(
      'query ($path: String!) { file(path: $path) { url(delivery: STORE) } }',
      { path: PATH },
    );
    expect(await (await fetch(file.url)).text()).toBe('solid ring');
    const { id } = order!;
    await ask('mutation ($id: ID!) { updateOrderStatus(id: $id, status: PACKAGING, expectedVersion: 1) { version } }', { id });
    await ask('mutation ($id: ID!) { updateOrderStatuses(changes: [{ id: $id, status: SHIPPED, expectedVersion: 2 }]) { id } }', {
      id,
    });
    expect((await ask<Edge>(edge)).orders.nodes[0]).toMatchObject({ status: 'SHIPPED', version: 3 });
    expect(await ask('query ($id: ID!) { order(id: $id) { status version } }', { id })).toEqual({
      order: { status: 'SHIPPED', version: 3 },
    });
    const [row] = await plant.query('select status, version, updated_at > created_at as later from orders where id = $1', [id]);
    expect(row).toEqual({ status: 'SHIPPED', version: 3, later: true });
    await ask('mutation ($path: String!) { fileChanged(path: $path) { etag } }', { path: PATH });
    const partner = await tokenFor({ role: 'partner', partnerId: 'partner-b' });
    expect(await ask('query ($id: ID!) { order(id: $id) { id } }', { id }, partner)).toEqual({ order: null });
  });
});
