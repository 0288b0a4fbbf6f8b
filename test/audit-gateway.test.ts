import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { outboxPlant } from './support/feed.js';
import { startGateway, type GatewayProcess } from './support/gateway.js';
import { errorOf, GraphqlClient } from './support/graphql-client.js';
import { freshPlant, type Plant } from './support/plant.js';
import { until } from './support/race.js';
import { describeWith } from './support/servers/shared.js';
import { removeFolder, temporaryFolder } from './support/servers/temporary.js';
import { tokenFor } from './support/tokens.js';

const LOG = `query Log($first: Int, $after: String, $orderId: ID, $filePath: String, $actor: String, $from: DateTime, $to: DateTime) {
  auditLog(first: $first, after: $after, orderId: $orderId, filePath: $filePath, actor: $actor, from: $from, to: $to) {
    nodes { id at way actor { subject role partnerId } requestId
      orderChange { orderId number statusBefore statusAfter versionBefore versionAfter }
      fileChange { path etagBefore etagAfter } }
    edges { cursor node { id } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}`;

interface Log {
  nodes: {
    at: string;
    requestId: string;
    actor: object;
    orderChange: { number: string } | null;
    fileChange: { etagBefore: string | null; etagAfter: string } | null;
  }[];
  pageInfo: { hasNextPage: boolean; hasPreviousPage: boolean; endCursor: string };
}

const OFF = 'changes of orders and files are not audited';

describeWith('postgres')('the audit log of a gateway', () => {
  const folder = temporaryFolder();
  let plant: Plant;
  let gateway: GatewayProcess;
  let operator: GraphqlClient;
  let partner: string;

  const auditLog = async (variables: object = {}): Promise<Log> =>
    (await operator.ask<{ auditLog: Log }>(LOG, { ...variables })).auditLog;

  beforeAll(async () => {
    plant = await outboxPlant();
    gateway = await startGateway({ MES_DATABASE_URL: plant.url, FILES_DIR: folder });
    operator = new GraphqlClient(gateway, {
      token: await tokenFor({ role: 'operator', sub: 'ada' }),
      headers: { 'x-request-id': 'from-ada' },
    });
    partner = await tokenFor({ role: 'partner', partnerId: 'partner-a' });
  });

  afterAll(async () => {
    await gateway.stop();
    removeFolder(folder);
  });

  test('has who changed which order, by which request; and no word of what was refused', async () => {
    const [order] = await plant.insert({ number: 'N-7', version: 4 });
    const { id } = order!;
    await operator.update({ id, status: 'PACKAGING' });
    await operator.update({ id, status: 'SUBMITTED' });
    const { nodes, pageInfo } = await auditLog({ orderId: id });
    expect(nodes).toEqual([
      {
        id: expect.stringMatching(/^\d+$/),
        at: expect.any(String),
        way: 'MUTATION',
        actor: { subject: 'ada', role: 'operator', partnerId: null },
        requestId: 'from-ada',
        orderChange: {
          orderId: id,
          number: 'N-7',
          statusBefore: 'SUBMITTED',
          statusAfter: 'PACKAGING',
          versionBefore: 4,
          versionAfter: 5,
        },
        fileChange: null,
      },
    ]);
    expect(pageInfo).toMatchObject({ hasNextPage: false, hasPreviousPage: false });
    expect(gateway.output()).not.toContain(OFF);
  });

  test('has files that were announced, with the version that is there then', async () => {
    writeFileSync(join(folder, 'a.stl'), 'solid a');
    const service = new GraphqlClient(gateway, { token: await tokenFor({ role: 'service', sub: 'store' }) });
    const { fileChanged } = await service.ask<{ fileChanged: { etag: string } }>(
      'mutation { fileChanged(path: "a.stl") { etag } }',
    );
    await service.ask('mutation { fileChanged(path: "gone.stl") { etag } }').catch(() => undefined);
    const { nodes } = await auditLog({ actor: 'store' });
    expect(nodes).toEqual([
      expect.objectContaining({
        actor: { subject: 'store', role: 'service', partnerId: null },
        fileChange: { path: 'gone.stl', etagBefore: null, etagAfter: null },
      }),
      expect.objectContaining({
        orderChange: null,
        fileChange: { path: 'a.stl', etagBefore: null, etagAfter: fileChanged.etag },
      }),
    ]);
    expect((await auditLog({ filePath: 'a.stl' })).nodes).toEqual([nodes[1]]);
  });

  test('names what each of many uploads at once has replaced', async () => {
    const service = await tokenFor({ role: 'service', sub: 'cad' });
    const put = (index: number) =>
      gateway.get('/files/up/ring.stl', { method: 'PUT', body: `solid ${index}\nendsolid\n`, token: service });
    const answers = await Promise.all([...Array(8).keys()].map(put));
    const { nodes } = await auditLog({ filePath: 'up/ring.stl' });
    const changes = nodes.map(({ fileChange }) => fileChange!);
    const byBefore = new Map(changes.map(({ etagBefore, etagAfter }) => [etagBefore, etagAfter]));
    expect(byBefore.size).toBe(8);
    const created = answers.find(({ status }) => status === 201);
    expect(byBefore.get(null)).toBe(created?.headers.get('etag'));
    expect(new Set(byBefore.values())).toEqual(new Set(answers.map(({ headers }) => headers.get('etag'))));
  });

  test('is read page by page, and anew each time, also beside what is cached', async () => {
    const orders = await plant.insert(...Array.from({ length: 5 }, (_, index) => ({ number: `P-${index}` })));
    const from = (await plant.query('select clock_timestamp()::text as now'))[0]!['now'] as string;
    const since = new Date(from).toISOString();
    for (const { id } of orders) await operator.update({ id, status: 'PACKAGING' });
    const seen: string[] = [];
    for (let after: string | null = null; ;) {
      const { nodes, pageInfo }: Log = await auditLog({ from: since, first: 2, after });
      seen.push(...nodes.map(({ orderChange }) => orderChange!.number));
      expect(pageInfo.hasPreviousPage).toBe(after !== null);
      if (!pageInfo.hasNextPage) break;
      after = pageInfo.endCursor;
    }
    expect(seen).toEqual(['P-4', 'P-3', 'P-2', 'P-1', 'P-0']);
    const both = `query ($id: ID!) { order(id: $id) { number } auditLog(first: 1) { nodes { orderChange { statusAfter } } } }`;
    const [changed, unchanged] = orders;
    for (const status of ['SHIPPED', 'CLOSED']) {
      await operator.update({ id: changed!.id, status });
      // Asked again and again, the rest of the answer is kept whole.
      for (let time = 0; time < 5; time += 1) {
        const { auditLog: log } = await operator.ask<{ auditLog: Log }>(both, { id: unchanged!.id });
        expect(log.nodes).toEqual([{ orderChange: { statusAfter: status } }]);
      }
    }
  });

  test.each([
    [{ first: 0 }, '"first" must be 1 to 200, but got: 0.'],
    [{ first: 201 }, '"first" must be 1 to 200, but got: 201.'],
    [{ after: 'x' }, '"after" must be a cursor'],
    [{ orderId: 'x' }, '"orderId" must be a UUID, but got: "x".'],
    [{ filePath: '../x' }, '"filePath" must not contain'],
    [{ actor: 'a\0b' }, '"actor" must be the subject of a token'],
    [{ from: '2025-07-24T15:00Z', to: '2025-07-24T15:00Z' }, '"to" must be after "from".'],
  ])('refuses %j', async (variables, message) => {
    expect(errorOf(await operator.send(LOG, variables))).toMatchObject({
      code: 'BAD_USER_INPUT',
      message: expect.stringContaining(message),
    });
    const asPartner = await gateway.graphql(LOG, variables, { token: partner });
    expect(errorOf(asPartner)).toMatchObject({ code: 'FORBIDDEN' });
  });

  test.each([
    { from: '0000-01-01T00:00Z', to: '0000-12-31T23:59Z' },
    { to: '0001-01-01T00:00+01:00' },
    { from: '9999-12-31T23:59-01:00' },
  ])('has nothing for times that the database cannot have: %j', async (variables) => {
    expect((await auditLog(variables)).nodes).toEqual([]);
  });

  test('has everything from the year 0 to the end of the year 9999 in the west', async () => {
    const { nodes } = await auditLog();
    expect(nodes.length).toBeGreaterThan(0);
    expect((await auditLog({ from: '0000-01-01T00:00Z', to: '9999-12-31T23:59-12:00' })).nodes).toEqual(nodes);
  });

  test('a change of an order is not made when it cannot be recorded; one of a file stands, is logged whole and counted', async () => {
    const [order] = await plant.insert({});
    await plant.query(
      'alter table orders_audit add column reason text; alter table orders_audit add check (reason is not null) not valid',
    );
    expect(errorOf(await operator.update({ id: order!.id, status: 'PACKAGING' })).code).toBe('SOURCE_UNAVAILABLE');
    expect(await plant.query('select status from orders where id = $1', [order!.id])).toEqual([{ status: 'SUBMITTED' }]);
    await operator.ask('mutation { fileChanged(path: "a.stl") { etag } }');
    await until('the line in the log', () => gateway.output().includes('a change of files is not in the audit log'));
    const line =
      gateway
        .output()
        .split('\n')
        .find((each) => each.includes('is not in the audit log')) ?? '{}';
    expect(JSON.parse(line)).toMatchObject({
      level: 50,
      audit: {
        way: 'MUTATION',
        requestId: 'from-ada',
        viewer: { role: 'operator', subject: 'ada' },
        files: [{ path: 'a.stl', etagAfter: expect.stringMatching(/^"/) }],
      },
    });
    expect(await (await gateway.get('/metrics')).text()).toContain('mes_audit_lost_total 1');
  });
});

describeWith('postgres')('without an audit table', () => {
  let plant: Plant;

  beforeAll(async () => {
    plant = await freshPlant();
  });

  test('everything works as it did, and it is said once at start', async () => {
    const gateway = await startGateway({ MES_DATABASE_URL: plant.url });
    try {
      const client = new GraphqlClient(gateway, { token: await tokenFor({ role: 'operator' }) });
      const [order] = await plant.insert({});
      for (const status of ['PACKAGING', 'SHIPPED']) {
        expect((await client.update({ id: order!.id, status })).data?.updateOrderStatus).toMatchObject({ status });
      }
      await client.ask('mutation { fileChanged(path: "a.stl") { etag } }');
      expect(errorOf(await client.send('{ auditLog { nodes { id } } }'))).toMatchObject({
        code: 'SOURCE_UNAVAILABLE',
        message: 'This gateway has no audit log to read.',
      });
      expect(gateway.output().split(OFF)).toHaveLength(2);
      expect(gateway.output()).not.toContain('not in the audit log');
    } finally {
      await gateway.stop();
    }
  });

  test('AUDIT=required does not start', async () => {
    const gateway = await startGateway({ MES_DATABASE_URL: plant.url, AUDIT: 'required' }, { untilReady: false });
    await until('the end of the gateway', () => !gateway.isRunning());
    expect(await gateway.stop()).toBe(1);
    expect(gateway.output()).toContain('AUDIT: expected a database with an audit log, but there is no table "orders_audit"');
  });
});
