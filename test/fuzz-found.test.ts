import { startGateway, type GatewayProcess } from './support/gateway.js';
import { byWs } from './support/live.js';
import { freshPlant } from './support/plant.js';
import { describeWith } from './support/servers/shared.js';
import { tokenFor } from './support/tokens.js';

/** Requests that the fuzzer has found to be answered as a fault of the gateway, as small as they can be. */
describeWith('postgres')('what the fuzzer found', () => {
  let gateway: GatewayProcess;
  let token: string;
  beforeAll(async () => {
    gateway = await startGateway({ MES_DATABASE_URL: (await freshPlant()).url });
    token = await tokenFor({ role: 'operator' });
  });
  afterAll(() => gateway.stop());

  const ROOT = /"message":"A subscription must not have .* at its root\.".*"code":"GRAPHQL_VALIDATION_FAILED"/;
  const VARIABLE = /"message":"Variable .*"code":"BAD_USER_INPUT"/;
  const MOVING = 'subscription ($w: Int!) { orderChanged(window: $w) { id } }';

  test.each<[query: string, variables: Record<string, unknown>, expected: RegExp]>([
    ['subscription { newOrders @skip { id } }', {}, ROOT],
    ['subscription { ... @include { newOrders { id } } }', {}, ROOT],
    [
      'subscription ($x: Boolean!) { ...F } fragment F on Subscription { ...F newOrders @skip(if: $x) { id } }',
      { x: false },
      ROOT,
    ],
    [MOVING, {}, VARIABLE],
    [MOVING, { w: null }, VARIABLE],
    [MOVING, { w: 'x' }, VARIABLE],
  ])('%s with %j', async (query, variables, expected) => {
    const events = await gateway.get('/graphql', {
      method: 'POST',
      headers: { accept: 'text/event-stream', 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables }),
      token,
    });
    expect(await events.text()).toMatch(expected);
    const told = byWs(gateway.url, token, { query, variables });
    await told.over();
    expect(JSON.stringify(told.end?.error)).toMatch(expected);
    const plain = await gateway.graphql(query, variables, { token });
    expect([plain.status, plain.text]).toEqual([400, expect.not.stringContaining('INTERNAL_SERVER_ERROR')]);
    expect(gateway.output()).not.toMatch(/"level":[56]0/);
  });
});
