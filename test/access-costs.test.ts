import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  ABSENT_FILE,
  ABSENT_ID,
  accessWorld,
  callerOf,
  FILES,
  send,
  type AccessWorld,
  type Caller,
} from './support/access-world.js';
import { describeWith } from './support/servers/shared.js';

const ONE = 'query ($id: ID!) { order(id: $id) { number file { url } } }';
const FILE = 'query ($path: String!) { file(path: $path) { size url } }';
const MOVE = 'mutation ($id: ID!) { updateOrderStatus(id: $id, status: PACKAGING) { status } }';
const TOUCH = 'mutation ($path: String!) { fileChanged(path: $path) { size } }';
/** Longer than all that is asked before it ends. */
const FRESH_SECONDS = 8;

/** What varies from one answer to the next, whatever was asked. */
const VARYING = /^(x-request-id|date|ratelimit.*|keep-alive)$/;
const COUNTERS = ['mes_sql_statements_total', 'mes_store_round_trips_total'];

interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** One thing that partner A asks for, and what others do with it meanwhile. */
interface Asked {
  readonly way: string;
  readonly what: string;
  readonly ask: () => Promise<Answered>;
  readonly others: () => Promise<unknown>;
}

/** No feed of changes, so what exists may be believed for longer than what does not: there the two could be told apart. */
const ENV = {
  CHANGE_FEED: 'off',
  ORDER_FRESH_TTL_SECONDS: String(FRESH_SECONDS),
  ORDER_TTL_SECONDS: '60',
  FILE_ABSENT_TTL_SECONDS: String(FRESH_SECONDS),
  ORDER_WINDOW_POLICY: 'fixed:60',
};

describeWith('postgres', 'redis')('what is somebody else’s, and what does not exist', () => {
  let world: AccessWorld;
  let [partner, operator]: Caller[] = [];
  /** By the end of the last question; nobody else asks. */
  let counted: number[];

  beforeAll(async () => {
    world = await accessWorld(ENV);
    [partner, operator] = [callerOf(world, 'partner A'), callerOf(world, 'operator')];
  });
  afterAll(() => world.close());

  const byGraphql = (caller: Caller | undefined, query: string, variables: object) =>
    send(world, caller!, query, { ...variables });
  const byHttp = async (path: string, method: string) => {
    const response = await world.gateway.get(`/files/${path}`, { token: partner?.token, method });
    return { status: response.status, headers: response.headers, text: await response.text() };
  };
  const work = async (): Promise<number[]> => {
    const lines = (await (await world.gateway.get('/metrics')).text()).split('\n');
    return COUNTERS.map((name) => Number(lines.find((line) => line.startsWith(`${name} `))?.split(' ')[1]));
  };

  /** The whole answer, without what it was asked for; and what it cost the gateway. */
  const answered = async ({ what, ask }: Asked) => {
    const { status, headers, text } = await ask();
    const now = await work();
    const [statements, roundTrips] = now.map((count, index) => count - (counted[index] ?? 0));
    counted = now;
    const kept = [...headers].filter(([name]) => !VARYING.test(name));
    return { status, headers: kept, text: text.replaceAll(what, 'IT'), statements, roundTrips };
  };

  const orders = (): Asked[] =>
    [ABSENT_ID, world.orders.b.id, world.orders.nobody.id].map((id) => ({
      way: 'order(id)',
      what: id,
      ask: () => byGraphql(partner, ONE, { id }),
      others: async () => {
        await byGraphql(operator, ONE, { id });
        await byGraphql(operator, MOVE, { id });
        await byGraphql(operator, ONE, { id });
      },
    }));

  const files = async (way: string): Promise<Asked[]> => {
    const path = (kind: string): string => `models/${way}-${kind}.stl`;
    for (const kind of ['theirs', 'direct', 'unnamed']) writeFileSync(join(world.folder, path(kind)), `solid ${kind}`);
    await world.plant.insert(
      { partner_id: 'partner-b', file_path: path('theirs') },
      { partner_id: null, file_path: path('direct') },
    );
    return ['none', 'theirs', 'direct', 'unnamed'].map(path).map((what) => ({
      way,
      what,
      ask: () => (way === 'file(path)' ? byGraphql(partner, FILE, { path: what }) : byHttp(what, way)),
      others: async () => {
        await byGraphql(operator, FILE, { path: what });
        await byGraphql(operator, TOUCH, { path: what });
        await byGraphql(operator, FILE, { path: what });
      },
    }));
  };

  test('are answered by the same bytes for the same work, however often, whatever others do, and whatever has expired', async () => {
    const asked = [...orders(), ...(await files('file(path)')), ...(await files('GET')), ...(await files('HEAD'))];
    const told = new Map(asked.map((one) => [one, [] as object[]]));
    const twice = async () => {
      for (let time = 0; time < 2; time += 1) for (const one of asked) told.get(one)?.push(await answered(one));
    };
    counted = await work();
    await twice();
    for (const { others } of asked) await others();
    counted = await work();
    await twice();
    await sleep(FRESH_SECONDS * 1_050);
    await twice();
    for (const one of asked) {
      const absent = asked.find(({ way }) => way === one.way);
      expect({ ...one, told: told.get(one) }).toEqual({ ...one, told: absent && told.get(absent) });
    }
    // Asked for, known, still known, and asked for again when it has expired.
    const [first] = told.values();
    expect(first).toMatchObject([1, 0, 0, 0, 1, 0].map((statements) => ({ statements, text: '{"data":{"order":null}}\n' })));
  });

  test('are the same as arguments of what a partner may not do', async () => {
    const refusal = async (query: string, variables: object): Promise<string> =>
      (await byGraphql(partner, query, variables)).text;
    const absent = await refusal(MOVE, { id: ABSENT_ID });
    expect(absent).toContain('FORBIDDEN');
    for (const { id } of [world.orders.b, world.orders.nobody]) expect(await refusal(MOVE, { id })).toBe(absent);
    expect(await refusal(TOUCH, { path: FILES.b })).toBe(await refusal(TOUCH, { path: ABSENT_FILE }));
  });
});
