import { DAY, HOUR, MINUTE } from '../src/units.js';
import { startGateway, type GatewayProcess } from './support/gateway.js';
import { freshPlant, type Plant } from './support/plant.js';
import { tokenFor } from './support/tokens.js';
import { GraphqlClient } from './support/graphql-client.js';
import { describeWith } from './support/servers/shared.js';

const iso = (time: number): string => new Date(time).toISOString();

/** A zone where it is about noon, so that no midnight comes during the test: `Etc/GMT-5` is five hours ahead of UTC. */
const ahead = 12 - new Date().getUTCHours();
const timeZone = ahead === 0 ? 'UTC' : `Etc/GMT${ahead > 0 ? '-' : '+'}${Math.abs(ahead)}`;
const midnight = Math.floor((Date.now() + ahead * HOUR) / DAY) * DAY - ahead * HOUR;

describeWith('postgres')(`today in ${timeZone}`, () => {
  let plant: Plant;
  let gateway: GatewayProcess;
  let operator: GraphqlClient;

  beforeAll(async () => {
    plant = await freshPlant({
      orders: [
        { number: 'yesterday', created_at: iso(midnight - 1) },
        { number: 'first of today', created_at: iso(midnight) },
        { number: 'last of today', created_at: iso(midnight + DAY - 1) },
        { number: 'tomorrow', created_at: iso(midnight + DAY) },
      ],
    });
    gateway = await startGateway({ MES_DATABASE_URL: plant.url, PLANT_TIME_ZONE: timeZone });
    operator = new GraphqlClient(gateway, { token: await tokenFor({ role: 'operator' }) });
  });

  afterAll(() => gateway.stop());

  test('is what orders without arguments answers, from midnight to midnight', async () => {
    const { nodes, totalCount } = await operator.orders();
    expect(nodes.map(({ number }) => number)).toEqual(['last of today', 'first of today']);
    expect(totalCount).toBe(2);
  });

  test('is paged and filtered like any window', async () => {
    const first = await operator.orders({ first: 1 });
    const second = await operator.orders({ first: 1, after: first.pageInfo.endCursor });
    expect([...first.nodes, ...second.nodes].map(({ number }) => number)).toEqual(['last of today', 'first of today']);
    expect(await operator.orders({ status: ['CLOSED'] })).toMatchObject({ totalCount: 0, nodes: [] });
  });

  test('is read again after a change of one of its orders', async () => {
    const [order] = (await operator.orders()).nodes;
    await operator.update({ id: order!.id, status: 'SHIPPED' });
    expect((await operator.orders()).nodes[0]).toMatchObject({ id: order!.id, status: 'SHIPPED' });
  });

  test('shows what another program has written, within the short time to live of fresh lists', async () => {
    await operator.orders();
    const [written] = await plant.insert({ created_at: iso(Date.now() - MINUTE) });
    const deadline = Date.now() + 10_000;
    let seen = false;
    while (!seen && Date.now() < deadline) seen = (await operator.orders()).nodes.some(({ id }) => id === written!.id);
    expect(seen).toBe(true);
  });
});
