import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startGateway, type GatewayProcess } from './support/gateway.js';
import { freshPlant, type Plant, type PlantOrder } from './support/plant.js';
import { tokenFor } from './support/tokens.js';
import { GraphqlClient } from './support/graphql-client.js';
import { describeWith } from './support/servers/shared.js';
import { removeFolder, temporaryFolder } from './support/servers/temporary.js';

const MISSING = '00000000-0000-4000-8000-00000000dead';
const AT = '2025-07-24T15:10:00.000Z';
const WINDOW = { createdBy: '2025-07-24T15:00Z', window: 60 };

describeWith('postgres')('partners see their own only', () => {
  const folder = temporaryFolder();
  let plant: Plant;
  let gateway: GatewayProcess;
  let [tokenA, tokenB] = ['', ''];
  let [a, b, operator]: GraphqlClient[] = [];
  let [ofA, ofB, ofNobody, sharing]: PlantOrder[] = [];

  beforeAll(async () => {
    mkdirSync(join(folder, 'models'));
    for (const name of ['a', 'b', 'direct', 'shared', 'unnamed'])
      writeFileSync(join(folder, `models/${name}.stl`), `solid ${name}`);
    plant = await freshPlant();
    [ofA, ofB, ofNobody, sharing] = await plant.insert(
      { partner_id: 'partner-a', file_path: 'models/a.stl', created_at: AT },
      { partner_id: 'partner-b', file_path: 'models/b.stl', created_at: AT },
      { partner_id: null, file_path: 'models/direct.stl', created_at: AT },
      { partner_id: 'partner-b', file_path: 'models/shared.stl', created_at: AT },
      { partner_id: 'partner-a', file_path: 'models/shared.stl', created_at: AT },
      { partner_id: 'PARTNER-A', created_at: AT },
      { partner_id: '', created_at: AT },
    );
    gateway = await startGateway({ MES_DATABASE_URL: plant.url, FILES_DIR: folder });
    tokenA = await tokenFor({ role: 'partner', partnerId: 'partner-a' });
    tokenB = await tokenFor({ role: 'partner', partnerId: 'partner-b' });
    a = new GraphqlClient(gateway, { token: tokenA });
    b = new GraphqlClient(gateway, { token: tokenB });
    operator = new GraphqlClient(gateway, { token: await tokenFor({ role: 'operator' }) });
  });

  afterAll(async () => {
    await gateway.stop();
    removeFolder(folder);
  });

  test('lists and counts, whoever warmed the cache', async () => {
    expect((await operator!.orders(WINDOW)).totalCount).toBe(7);
    for (const [client, partner] of [
      [a, 'partner-a'],
      [b, 'partner-b'],
      [a, 'partner-a'],
    ] as const) {
      const { nodes, totalCount, pageInfo } = await client!.orders(WINDOW);
      expect(nodes.map(({ partnerId }) => partnerId)).toEqual([partner, partner]);
      expect(totalCount).toBe(2);
      expect(pageInfo.hasNextPage).toBe(false);
    }
  });

  test('pages end where the own orders end', async () => {
    const first = await a!.orders({ ...WINDOW, first: 1 });
    const second = await a!.orders({ ...WINDOW, first: 1, after: first.pageInfo.endCursor });
    expect([first.pageInfo.hasNextPage, second.pageInfo.hasNextPage]).toEqual([true, false]);
    expect(new Set([...first.nodes, ...second.nodes].map(({ partnerId }) => partnerId))).toEqual(new Set(['partner-a']));
  });

  test("another one's cursor is a place, not a key: it shows nothing of its order", async () => {
    const place = (await b!.orders({ ...WINDOW, first: 1 })).pageInfo.endCursor;
    const { nodes, totalCount } = await a!.orders({ ...WINDOW, after: place });
    expect(totalCount).toBe(2);
    expect(nodes.every(({ partnerId }) => partnerId === 'partner-a')).toBe(true);
  });

  test("someone else's order answers, byte by byte, like one that does not exist", async () => {
    const asked = (id: string): Promise<string> =>
      a!
        .send('query ($id: ID!) { order(id: $id) { number file { url } } }', { id })
        .then(({ text }) => text.replaceAll(id, 'ID'));
    const missing = await asked(MISSING);
    expect(missing).toBe('{"data":{"order":null}}\n');
    for (const id of [ofB!.id, ofNobody!.id]) {
      await operator!.order(id);
      expect(await asked(id)).toBe(missing);
    }
    expect(await asked(ofA!.id)).toContain('/files/models/a.stl');
  });

  const FILE = 'query ($path: String!) { file(path: $path) { size url } }';

  test.each(['models/b.stl', 'models/direct.stl', 'models/unnamed.stl'])(
    "someone else's file %s answers like one that does not exist, by GraphQL and by HTTP",
    async (path) => {
      const byGraphql = (asked: string): Promise<string> => a!.send(FILE, { path: asked }).then(({ text }) => text);
      const byHttp = async (asked: string, method: string): Promise<unknown> => {
        const response = await gateway.get(`/files/${asked}`, { token: tokenA, method });
        const headers = Object.fromEntries(response.headers);
        delete headers['x-request-id'];
        delete headers['date'];
        return { status: response.status, headers, body: await response.text() };
      };
      await operator!.ask(FILE, { path });
      expect(await byGraphql(path)).toBe(await byGraphql('models/none.stl'));
      for (const method of ['GET', 'HEAD']) {
        const refused = await byHttp(path, method);
        expect(refused).toMatchObject({ status: 404 });
        expect(refused).toEqual(await byHttp('models/none.stl', method));
      }
    },
  );

  test('own files, and those that an own order shares with others, are there', async () => {
    for (const path of ['models/a.stl', 'models/shared.stl']) {
      expect(await a!.ask(FILE, { path })).toMatchObject({ file: { size: expect.any(Number) } });
      const response = await gateway.get(`/files/${path}`, { token: tokenA });
      expect(response.status).toBe(200);
      expect(await response.text()).toContain('solid');
    }
    expect((await gateway.get('/files/models/a.stl', { token: tokenB })).status).toBe(404);
  });

  test('Order.file comes with an own order only', async () => {
    const query = `query ($from: DateTime!) { orders(createdBy: $from) { nodes { id filePath file { path } } } }`;
    const { orders } = await b!.ask<{ orders: { nodes: { id: string; filePath: string; file: { path: string } }[] } }>(query, {
      from: WINDOW.createdBy,
    });
    expect(orders.nodes.map(({ file }) => file.path).sort()).toEqual(['models/b.stl', 'models/shared.stl']);
    expect(orders.nodes.map(({ id }) => id).sort()).toEqual([ofB!.id, sharing!.id].sort());
  });

  test('cost and outcomes tell no difference between another one’s order and none', async () => {
    const cost = async (id: string): Promise<unknown> =>
      (await a!.withCost('query ($id: ID!) { order(id: $id) { id } }', { id })).cache;
    const fresh = await plant.insert({ partner_id: 'partner-b' });
    expect(await cost(fresh[0]!.id)).toEqual(await cost('00000000-0000-4000-8000-00000000beef'));
  });

  test.each([
    ['service', { role: 'service' }, 'FORBIDDEN'],
    ['anonymous', undefined, 'UNAUTHENTICATED'],
  ])('%s callers read no orders', async (_name, caller, code) => {
    const client = new GraphqlClient(gateway, { token: caller && (await tokenFor(caller)) });
    for (const query of ['{ orders { totalCount } }', `{ order(id: "${ofA!.id}") { id } }`]) {
      expect((await client.send(query)).errors?.map(({ extensions }) => extensions.code)).toEqual([code]);
    }
  });

  test('a partner cannot become another one by a claim of another type, or none', async () => {
    for (const partner_id of [undefined, '', ['partner-b'], { like: 'partner-b' }, null, 7]) {
      const token = await tokenFor({ role: 'partner' }, { claims: { partner_id } });
      const { errors, status } = await new GraphqlClient(gateway, { token }).send('{ orders { totalCount } }');
      expect({ status, code: errors?.[0]?.extensions.code }).toEqual({ status: 401, code: 'UNAUTHENTICATED' });
    }
  });
});
