import { MINUTE } from '../src/units.js';
import { startGateway, type GatewayProcess } from './support/gateway.js';
import { freshPlant, type Plant, type PlantOrder } from './support/plant.js';
import { tokenFor } from './support/tokens.js';
import { GraphqlClient } from './support/graphql-client.js';
import { describeWith } from './support/servers/shared.js';

/** Orders at these moments, one each. `PLANT_TIME_ZONE` is Europe/Berlin: clocks change on 2025-03-30 and 2025-10-26. */
const MOMENTS = [
  '2024-12-31T23:59:59.999Z',
  '2025-01-01T00:00:00.000Z',
  '2025-03-30T00:59:59.999Z',
  '2025-03-30T01:00:00.000Z',
  '2025-07-24T14:59:59.999Z',
  '2025-07-24T15:00:00.000Z',
  '2025-07-24T15:29:59.999Z',
  '2025-07-24T15:30:00.000Z',
  '2025-07-24T15:59:59.999Z',
  '2025-07-24T16:00:00.000Z',
  '2025-07-24T23:59:00.000Z',
  '2025-07-25T00:00:00.000Z',
  '2025-07-25T00:01:00.000Z',
  '2025-10-26T00:30:00.000Z',
  '2025-10-26T01:30:00.000Z',
];
const MANY = 10_000;
const MANY_FROM = Date.parse('2025-05-05T05:00Z');

let plant: Plant;
let gateway: GatewayProcess;
let operator: GraphqlClient;

const iso = (time: number): string => new Date(time).toISOString();

describeWith('postgres')('orders', () => {
  beforeAll(async () => {
    plant = await freshPlant({ orders: MOMENTS.map((created_at, index) => ({ created_at, number: `ORD-${index}` })) });
    gateway = await startGateway({ MES_DATABASE_URL: plant.url, PLANT_TIME_ZONE: 'Europe/Berlin' });
    operator = new GraphqlClient(gateway, { token: await tokenFor({ role: 'operator' }) });
  });

  afterAll(async () => {
    expect(await gateway.stop()).toBe(0);
  });

  /** What the range holds, told by the list above and not by the gateway. */
  const expected = (from: string, minutes: number): string[] =>
    MOMENTS.filter((moment) => moment >= iso(Date.parse(from)) && moment < iso(Date.parse(from) + minutes * MINUTE)).reverse();

  test.each([
    ['a whole tile', '2025-07-24T15:00Z', 60, 4],
    ['from inside a tile to inside the next', '2025-07-24T15:30Z', 45, 3],
    ['one minute', '2025-07-24T15:29Z', 1, 1],
    ['a start with milliseconds', '2025-07-24T14:59:59.999Z', 1, 2],
    ['a start one millisecond later', '2025-07-24T15:00:00.001Z', 60, 4],
    ['a start in another offset', '2025-07-24T17:00:00+02:00', 60, 4],
    ['across midnight', '2025-07-24T23:58Z', 3, 2],
    ['until midnight exactly', '2025-07-24T23:00Z', 60, 1],
    ['across the year end', '2024-12-31T23:59Z', 2, 2],
    ['across the change to summer time', '2025-03-30T00:59Z', 2, 2],
    ['across the change to winter time', '2025-10-26T00:00Z', 120, 2],
    ['the longest, 31 days', '2025-07-01T00:00Z', 31 * 24 * 60, 9],
    ['an empty one', '2025-02-02T02:00Z', 60, 0],
    ['one of the future', '2999-01-01T00:00Z', 60, 0],
    ['the earliest', '1970-01-01T00:00Z', 60, 0],
  ])('the window of %s holds exactly [from, to), newest first', async (_name, createdBy, window, count) => {
    const list = await operator.orders({ createdBy, window });
    expect(list.nodes.map((order) => order.createdAt)).toEqual(expected(createdBy, window));
    expect(list).toMatchObject({ totalCount: count, pageInfo: { hasNextPage: false, hasPreviousPage: false } });
    expect(list.nodes).toHaveLength(count);
    expect(Math.abs(Date.parse(list.asOf) - Date.now())).toBeLessThan(MINUTE);
  });

  test('createdBy alone means an hour', async () => {
    const { nodes } = await operator.orders({ createdBy: '2025-07-24T15:00Z' });
    expect(nodes.map((order) => order.createdAt)).toEqual(expected('2025-07-24T15:00Z', 60));
  });

  test('an empty window has no cursors', async () => {
    const { pageInfo } = await operator.orders({ createdBy: '2025-02-02T02:00Z' });
    expect(pageInfo).toEqual({ hasNextPage: false, hasPreviousPage: false, startCursor: null, endCursor: null });
  });

  test('window alone means the last minutes, and holds what was created this moment', async () => {
    const now = Date.now();
    const [old, , fresh] = await plant.insert(
      { created_at: iso(now - 61 * MINUTE) },
      { created_at: iso(now - 59 * MINUTE) },
      { created_at: iso(now) },
    );
    const { nodes } = await operator.orders({ window: 60 });
    expect(nodes).toHaveLength(2);
    expect(nodes[0]?.id).toBe(fresh?.id);
    expect(nodes.map(({ id }) => id)).not.toContain(old?.id);
  });

  test('every column arrives as it is', async () => {
    const given: Partial<PlantOrder> = {
      created_at: '2025-06-01T10:00:00.123456Z',
      updated_at: '2025-06-02T10:00:00.999999Z',
      partner_id: null,
      customer: 'Müller & Söhne "Кольцо"',
      price_minor: 2_147_483_647,
      file_path: null,
      version: 7,
    };
    const [row] = await plant.insert(given);
    const query = `query ($id: ID!) { order(id: $id) { id number status createdAt updatedAt version partnerId customer product
      material quantity priceMinor currency filePath file { path } } }`;
    expect(await operator.ask(query, { id: row?.id.toUpperCase() })).toEqual({
      order: {
        id: row?.id,
        number: 'ORD-1',
        status: 'SUBMITTED',
        createdAt: '2025-06-01T10:00:00.123Z',
        updatedAt: '2025-06-02T10:00:00.999Z',
        version: 7,
        partnerId: null,
        customer: given.customer,
        product: 'ring',
        material: 'steel',
        quantity: 1,
        priceMinor: given.price_minor,
        currency: 'EUR',
        filePath: null,
        file: null,
      },
    });
  });

  test('an order that does not exist is null', async () => {
    expect(await operator.order('00000000-0000-4000-8000-00000000dead')).toBeNull();
  });

  test('the status filter narrows list and count, and an empty one matches none', async () => {
    const created_at = '2025-06-10T10:00Z';
    await plant.insert({ created_at, status: 'SHIPPED' }, { created_at, status: 'CLOSED' }, { created_at, status: 'CANCELLED' });
    const statusesOf = async (status: string[]): Promise<string[]> => {
      const { nodes, totalCount } = await operator.orders({ createdBy: created_at, status });
      expect(totalCount).toBe(nodes.length);
      return nodes.map((order) => order.status).sort();
    };
    expect(await statusesOf(['CLOSED', 'SHIPPED'])).toEqual(['CLOSED', 'SHIPPED']);
    expect(await statusesOf(['INITIATED'])).toEqual([]);
    expect(await statusesOf([])).toEqual([]);
  });

  describe('a window with 10 000 orders', () => {
    const createdBy = iso(MANY_FROM);
    let ids: string[];

    beforeAll(async () => {
      // Four to each millisecond, so that the id has to decide; two minutes for the page that is cut.
      const rows = Array.from({ length: MANY + 5 }, (_, index) => ({ created_at: iso(MANY_FROM + Math.floor(index / 4)) }));
      const inserted = await plant.insert(...rows);
      const newestFirst = (a: PlantOrder, b: PlantOrder): number =>
        b.created_at.localeCompare(a.created_at) || (a.id < b.id ? 1 : -1);
      ids = inserted.sort(newestFirst).map(({ id }) => id);
    });

    test('comes whole up to the cap, which pageInfo tells', async () => {
      const started = performance.now();
      const cold = await operator.orders({ createdBy });
      const between = performance.now();
      const hot = await operator.orders({ createdBy });
      const [coldTime, hotTime] = [between - started, performance.now() - between].map(Math.round);
      process.stdout.write(`a window of ${MANY} orders: cold ${coldTime} ms, hot ${hotTime} ms\n`);
      expect(hot).toEqual(cold);
      expect(cold.totalCount).toBe(MANY + 5);
      expect(cold.nodes.map(({ id }) => id)).toEqual(ids.slice(0, MANY));
      expect(cold.pageInfo.hasNextPage).toBe(true);
      const rest = await operator.orders({ createdBy, after: cold.pageInfo.endCursor });
      expect(rest.nodes.map(({ id }) => id)).toEqual(ids.slice(MANY));
      expect(rest.pageInfo).toMatchObject({ hasNextPage: false, hasPreviousPage: true });
    });

    test('comes page by page, each order once, with the same count on every page', async () => {
      const seen: string[] = [];
      let after: string | null = null;
      do {
        const page = await operator.orders({ createdBy, first: 1_500, after });
        expect(page.totalCount).toBe(MANY + 5);
        expect(page.pageInfo.hasPreviousPage).toBe(after !== null);
        seen.push(...page.nodes.map(({ id }) => id));
        after = page.pageInfo.hasNextPage ? page.pageInfo.endCursor : null;
      } while (after !== null);
      expect(seen).toEqual(ids);
    });

    test('first: 0 answers the count alone', async () => {
      const { nodes, totalCount, pageInfo } = await operator.orders({ createdBy, first: 0 });
      expect({ nodes, totalCount, pageInfo }).toEqual({
        nodes: [],
        totalCount: MANY + 5,
        pageInfo: { hasNextPage: true, hasPreviousPage: false, startCursor: null, endCursor: null },
      });
    });
  });

  test('a cursor stays right when orders change and come between the pages', async () => {
    const at = (second: number): string => `2025-06-20T10:00:${String(second).padStart(2, '0')}.000Z`;
    const rows = await plant.insert(...[10, 20, 30, 40].map((second) => ({ created_at: at(second) })));
    const createdBy = '2025-06-20T10:00Z';
    const first = await operator.orders({ createdBy, first: 2 });
    await plant.query('delete from orders where id = $1', [rows[2]?.id]);
    // The change by the gateway makes it read the window again.
    await operator.update({ id: rows[3]!.id, status: 'PACKAGING' });
    await plant.insert({ created_at: at(50) });
    const second = await operator.orders({ createdBy, first: 2, after: first.pageInfo.endCursor });
    expect(first.nodes.map((order) => order.createdAt)).toEqual([at(40), at(30)]);
    expect(second.nodes.map((order) => order.createdAt)).toEqual([at(20), at(10)]);
  });
});
