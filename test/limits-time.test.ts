import { once } from 'node:events';
import pg from 'pg';
import WebSocket from 'ws';
import { SECOND } from '../src/units.js';
import { startGateway, type GatewayProcess } from './support/gateway.js';
import { freshPlant, type Plant } from './support/plant.js';
import { describeWith } from './support/servers/shared.js';
import { tokenFor } from './support/tokens.js';

const LISTED = `{ orders(createdBy: "2025-07-24T15:00Z", window: 60) { nodes { number } } }`;
const AT = '2025-07-24T15:10:00Z';

describeWith('postgres')('the time of an operation', () => {
  let plant: Plant;
  let gateways: { readonly short: GatewayProcess; readonly long: GatewayProcess };
  let token: string;
  let blocker: pg.Client;

  beforeAll(async () => {
    plant = await freshPlant({ orders: [{ created_at: AT, number: 'ORD-1', status: 'PACKAGING' }] });
    const env = { MES_DATABASE_URL: plant.url, MES_DATABASE_TIMEOUT_SECONDS: '60', ORDER_TTL_SECONDS: '1' };
    token = await tokenFor({ role: 'operator' });
    const [short, long] = await Promise.all([startGateway({ ...env, OPERATION_TIMEOUT_SECONDS: '1' }), startGateway(env)]);
    gateways = { short, long };
    blocker = new pg.Client(plant.url);
    await blocker.connect();
  }, 120_000);

  afterAll(async () => {
    await Promise.all([gateways.short.stop(), gateways.long.stop(), blocker.end()]);
  });

  beforeEach(async () => {
    await blocker.query('begin');
    // Whoever reads orders waits now, at the server.
    await blocker.query('lock table orders in access exclusive mode');
  });

  afterEach(() => blocker.query('rollback'));

  /** The statements on orders that run, or wait, at the server. */
  const running = async (): Promise<string[]> => {
    // Of another session: the view stands still during a transaction.
    const rows = await plant.query(
      `select pid || ' ' || query_start as id from pg_stat_activity
       where state = 'active' and application_name = 'mes-gateway' and datname = current_database() and query like '%from unnest%'`,
    );
    return rows.map(({ id }) => String(id));
  };
  const until = async (count: number): Promise<string[]> => {
    for (const end = Date.now() + 5 * SECOND; Date.now() < end;) {
      const found = await running();
      if (found.length === count) return found;
    }
    throw new Error(`expected ${count} statements, but there are: ${(await running()).join()}`);
  };
  const ask = (gateway: GatewayProcess, signal?: AbortSignal, headers: Record<string, string> = {}) =>
    fetch(`${gateway.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}`, ...headers },
      body: JSON.stringify({ query: LISTED }),
      ...(signal && { signal }),
    });

  test('one that takes too long is ended, and its statement with it', async () => {
    const asked = gateways.short.graphql(LISTED, {}, { token });
    await until(1);
    const { errors, data } = await asked;
    expect(errors).toMatchObject([
      { extensions: { code: 'SOURCE_UNAVAILABLE' }, message: expect.stringMatching(/longer than 1 second/) },
    ]);
    expect(data).toBeNull();
    // The lock is still held: it did not end by itself.
    await until(0);
    await blocker.query('rollback');
    const later = await gateways.short.graphql(LISTED, {}, { token });
    expect(later.data).toEqual({ orders: { nodes: [{ number: 'ORD-1' }] } });
    await blocker.query('begin');
  });

  test.each(['application/json', 'text/event-stream'])('a client that goes away ends it, accept: %s', async (accept) => {
    const leaving = new AbortController();
    const asked = ask(gateways.long, leaving.signal, { accept }).catch((error: unknown) => error);
    await until(1);
    leaving.abort();
    await asked;
    await until(0);
  });

  /** A WebSocket that has been let in. `say` sends a message, `heard` has those that came since. */
  const openSocket = async (gateway: GatewayProcess) => {
    const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
    await once(socket, 'open');
    const say = (message: object): void => socket.send(JSON.stringify(message));
    say({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } });
    await once(socket, 'message');
    const heard: unknown[] = [];
    socket.on('message', (data: Buffer) => heard.push(JSON.parse(data.toString())));
    return { socket, say, heard };
  };

  test('a WebSocket that is closed ends it', async () => {
    const { socket, say } = await openSocket(gateways.long);
    say({ type: 'subscribe', id: '1', payload: { query: LISTED } });
    await until(1);
    socket.terminate();
    await until(0);
  });

  test('a client of a WebSocket that waits for it no more ends it, and hears nothing of it', async () => {
    const { socket, say, heard } = await openSocket(gateways.long);
    say({ type: 'subscribe', id: '1', payload: { query: LISTED } });
    await until(1);
    say({ type: 'complete', id: '1' });
    await until(0);
    // The id is free again, and its operation is another one.
    say({ type: 'subscribe', id: '1', payload: { query: '{ __typename }' } });
    while (heard.length < 2) await once(socket, 'message');
    expect(heard).toEqual([
      { id: '1', type: 'next', payload: { data: { __typename: 'Query' } } },
      { id: '1', type: 'complete' },
    ]);
    socket.terminate();
  });

  test('it goes on for others that wait for it, and for them it is one statement', async () => {
    const leaving = new AbortController();
    const first = ask(gateways.long, leaving.signal).catch((error: unknown) => error);
    const before = await until(1);
    const second = gateways.long.graphql<object>(LISTED, {}, { token });
    // It has arrived: the next one, which needs no database, is answered.
    await gateways.long.graphql('{ __typename }', {}, { token });
    leaving.abort();
    await first;
    await gateways.long.graphql('{ __typename }', {}, { token });
    expect(await running()).toEqual(before);
    await blocker.query('rollback');
    expect((await second).data).toEqual({ orders: { nodes: [{ number: 'ORD-1' }] } });
    await blocker.query('begin');
  });

  test('a change that has begun is not ended: its outcome is told', async () => {
    const {
      rows: [row],
    } = await blocker.query<{ id: string }>('select id from orders');
    const change = `mutation ($id: ID!) { a: updateOrderStatus(id: $id, status: SHIPPED) { status }
      b: updateOrderStatus(id: $id, status: CLOSED) { status } }`;
    const asked = gateways.short.graphql<object>(change, { id: row?.id }, { token });
    await new Promise((resolve) => setTimeout(resolve, 1.5 * SECOND));
    await blocker.query('rollback');
    const { errors } = await asked;
    // The first one was made although the time was over; the second one was not begun.
    expect(errors).toMatchObject([{ path: ['b'], extensions: { code: 'SOURCE_UNAVAILABLE' } }]);
    expect(await plant.query('select status, version from orders')).toMatchObject([{ status: 'SHIPPED' }]);
    await blocker.query('begin');
  });

  test('neither is one whose client waits for it no more: what has begun is done, and what has not is not', async () => {
    const [row] = (await blocker.query<{ id: string }>(`update orders set status = 'PACKAGING' returning id`)).rows;
    await blocker.query('commit; begin; lock table orders in access exclusive mode');
    const change = `mutation ($id: ID!) { a: updateOrderStatus(id: $id, status: SHIPPED) { status }
      b: updateOrderStatus(id: $id, status: CLOSED) { status } }`;
    const { socket, say, heard } = await openSocket(gateways.long);
    say({ type: 'subscribe', id: '1', payload: { query: change, variables: { id: row?.id } } });
    const waiting = `select 1 from pg_locks where not granted and relation = 'orders'::regclass`;
    for (const end = Date.now() + 5 * SECOND; (await plant.query(waiting)).length === 0;)
      if (Date.now() > end) throw new Error('expected the change to wait for the lock');
    say({ type: 'complete', id: '1' });
    say({ type: 'ping' });
    await once(socket, 'message');
    await blocker.query('rollback');
    const shipped = `select 1 from orders where status = 'SHIPPED'`;
    for (const end = Date.now() + 5 * SECOND; (await plant.query(shipped)).length === 0;)
      if (Date.now() > end) throw new Error('expected the change to be made');
    say({
      type: 'subscribe',
      id: '2',
      payload: { query: 'query ($id: ID!) { order(id: $id) { status } }', variables: { id: row?.id } },
    });
    while (heard.length < 3) await once(socket, 'message');
    expect(heard).toMatchObject([
      { type: 'pong' },
      { id: '2', type: 'next', payload: { data: { order: { status: 'SHIPPED' } } } },
      { id: '2', type: 'complete' },
    ]);
    socket.terminate();
    await blocker.query('begin');
  });

  test('the pool loses no connection by it', async () => {
    for (let round = 0; round < 15; round += 1) {
      const leaving = new AbortController();
      const asked = ask(gateways.long, leaving.signal).catch((error: unknown) => error);
      await until(1);
      leaving.abort();
      await asked;
      await until(0);
    }
    await blocker.query('rollback');
    expect((await gateways.long.graphql<object>(LISTED, {}, { token })).data).toEqual({
      orders: { nodes: [{ number: 'ORD-1' }] },
    });
    expect(gateways.long.output()).not.toMatch(/"level":(50|60)/);
    await blocker.query('begin');
  });
});
