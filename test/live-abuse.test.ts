import { once } from 'node:events';
import { connect } from 'node:net';
import pg from 'pg';
import WebSocket from 'ws';
import { outboxPlant } from './support/feed.js';
import { startGateway, type GatewayProcess } from './support/gateway.js';
import { byWs } from './support/live.js';
import type { Plant } from './support/plant.js';
import { metric, until, within } from './support/race.js';
import { describeWith } from './support/servers/shared.js';
import { tokenFor } from './support/tokens.js';

const CHANGED = 'subscription { orderChanged { id number status version } }';

interface Message {
  readonly type: string;
  readonly id?: string;
  readonly payload?: unknown;
}

describeWith('postgres')('live connections that ask for too much', () => {
  let plant: Plant;
  let gateway: GatewayProcess;
  let token: string;

  beforeAll(async () => {
    plant = await outboxPlant();
    gateway = await startGateway({ MES_DATABASE_URL: plant.url });
    token = await tokenFor({ role: 'operator' });
  });

  afterAll(() => gateway.stop());

  async function opened() {
    const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}/graphql`, 'graphql-transport-ws');
    const messages: Message[] = [];
    socket.on('message', (data: Buffer) => messages.push(JSON.parse(data.toString()) as Message));
    const say = (message: Message) => socket.send(JSON.stringify(message));
    await once(socket, 'open');
    say({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } });
    await until('the acknowledgement', () => messages.length > 0);
    return { socket, messages, say };
  }

  function raw(text: string) {
    const socket = connect({ host: '127.0.0.1', port: gateway.port, allowHalfOpen: true });
    socket.on('error', () => undefined);
    socket.write(text);
    return socket;
  }

  test('a refused upgrade is answered and closed, even if the client does not close its side', async () => {
    const head = 'Host: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket';
    const socket = raw(`GET /files HTTP/1.1\r\n${head}\r\n\r\nmore than was asked for`);
    let answer = '';
    socket.setEncoding('utf8').on('data', (piece: string) => (answer += piece));
    await within('the end of the answer', once(socket, 'end'));
    expect(answer).toMatch(/^HTTP\/1\.1 404 [^]*NOT_FOUND/);
    await until('the gateway has let go', () => {
      if (!socket.destroyed) socket.write('still here');
      return socket.destroyed;
    });
  });

  /** Whoever reads or changes orders waits at the database while `use` runs. `waiting` waits until somebody does. */
  async function whileLocked(use: (waiting: () => Promise<void>) => Promise<void>): Promise<void> {
    const blocker = new pg.Client(plant.url);
    await blocker.connect();
    try {
      await blocker.query('begin; lock table orders in access exclusive mode');
      const waiters = `select 1 from pg_locks where not granted and relation = 'orders'::regclass`;
      await use(() => until('a statement that waits', async () => (await plant.query(waiters)).length > 0));
    } finally {
      await blocker.end();
    }
  }

  test('queries that are completed early end, and make room', async () => {
    const [order] = await plant.insert({});
    const payload = { query: `{ order(id: "${order!.id}") { version } }` };
    const { socket, messages, say } = await opened();
    await whileLocked(async (waiting) => {
      for (let round = 0; round < 3; round += 1) {
        for (let id = 0; id < 99; id += 1) say({ type: 'subscribe', id: `${round} ${id}`, payload });
        await waiting();
        for (let id = 0; id < 99; id += 1) say({ type: 'complete', id: `${round} ${id}` });
        const id = `last ${round}`;
        say({ type: 'subscribe', id, payload: { query: '{ __typename }' } });
        await until('its end', () => messages.some((each) => each.id === id && each.type === 'complete'));
      }
      expect(messages.filter(({ type }) => type === 'error')).toEqual([]);
    });
    socket.terminate();
  });

  test('changes that were completed early go on, and count as long as they run', async () => {
    const [order] = await plant.insert({});
    const payload = { query: `{ order(id: "${order!.id}") { version } }` };
    const change = { query: `mutation { updateOrderStatus(id: "${order!.id}", status: PACKAGING) { version } }` };
    const { socket, messages, say } = await opened();
    await whileLocked(async (waiting) => {
      for (let id = 0; id < 100; id += 1) say({ type: 'subscribe', id: String(id), payload: change });
      await waiting();
      for (let id = 0; id < 100; id += 1) say({ type: 'complete', id: String(id) });
      say({ type: 'subscribe', id: 'one more', payload });
      await until('the refusal', () => messages.some(({ id }) => id === 'one more'));
      expect(messages.slice(1)).toEqual([
        { type: 'error', id: 'one more', payload: [expect.objectContaining({ extensions: { code: 'RATE_LIMITED' } })] },
      ]);
    });
    let later = 0;
    await until('an answer', () => {
      say({ type: 'subscribe', id: `later ${(later += 1)}`, payload });
      return messages.some(({ type }) => type === 'next');
    });
    expect(messages.find(({ type }) => type === 'next')?.payload).toEqual({ data: { order: { version: 2 } } });
    socket.terminate();
  });

  test('a subscription makes room at once when it is completed', async () => {
    const { socket, messages, say } = await opened();
    const payload = { query: CHANGED };
    for (let id = 0; id < 100; id += 1) say({ type: 'subscribe', id: String(id), payload });
    await until('the begin of all', () => messages.length === 101);
    for (let id = 0; id < 100; id += 1) {
      say({ type: 'complete', id: String(id) });
      say({ type: 'subscribe', id: `again ${id}`, payload });
    }
    await until('the begin of all', () => messages.length === 201);
    expect(messages.filter(({ type }) => type === 'error')).toEqual([]);
    socket.terminate();
    await until('the end', async () => (await metric(gateway, 'mes_live_subscriptions')) === 0);
  });

  test('events that wait behind others of their connection end with it', async () => {
    const path = `/graphql/stream?query=${encodeURIComponent(CHANGED)}`;
    const socket = raw(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n\r\n`.repeat(3));
    const open = () => metric(gateway, 'mes_live_connections{transport="sse"}');
    await until('the begin of all', async () => (await open()) === 3);
    socket.destroy();
    await until('the end of all', async () => (await open()) === 0);
    await until('the end of all', async () => (await metric(gateway, 'mes_live_subscriptions')) === 0);
  });

  test('clients that read are not dropped when 2000 orders change at once', async () => {
    await plant.insert(...Array.from({ length: 2_000 }, (_, index) => ({ number: `MANY-${index}` })));
    const followed = Array.from({ length: 5 }, () =>
      byWs<{ orderChanged: { number: string; version: number } }>(gateway.url, token, { query: CHANGED }),
    );
    await Promise.all(followed.map((each) => each.begin()));
    await plant.query(`update orders set version = 2, status = 'PACKAGING' where number like 'MANY-%'`);
    const changed = ({ data }: (typeof followed)[number]) =>
      new Set(data.filter(({ orderChanged: { version } }) => version === 2).map(({ orderChanged: { number } }) => number)).size;
    await until('all events', () => followed.every((each) => each.end !== undefined || changed(each) === 2_000), 20_000);
    expect(followed.map((each) => each.end)).toEqual(Array.from({ length: 5 }, () => undefined));
    expect(followed.map(changed)).toEqual(Array.from({ length: 5 }, () => 2_000));
    for (const each of followed) each.stop();
  });
});
