import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { createSchema } from '../src/graphql/server.js';
import type { Milliseconds } from '../src/units.js';
import { UNLIMITED } from './support/access-world.js';
import { emptyRedis } from './support/empty-redis.js';
import { outboxPlant } from './support/feed.js';
import { startGateway, type GatewayProcess } from './support/gateway.js';
import { totalsOf, type OrdersTruth } from './support/orders-truth.js';
import type { Plant, PlantOrder } from './support/plant.js';
import { until } from './support/race.js';
import { anyOperation, type RandomOperation, type Values } from './support/random-operations.js';
import { cursorOf, leaksIn, secretOrder, secretPlant } from './support/secret-plant.js';
import { describeWith } from './support/servers/shared.js';
import { removeFolder, temporaryFolder } from './support/servers/temporary.js';
import { tokenFor } from './support/tokens.js';

const QUERIES = 150;
const MUTATIONS = 40;
const SUBSCRIPTIONS = 60;
/** A busy machine asks less. */
const PATIENCE: Milliseconds = 15_000;
const schema = createSchema();

/** An answer as it came, headers and all. */
interface Raw {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

describeWith('postgres', 'redis')('whatever partner A asks', () => {
  const folder = temporaryFolder();
  const { own, secret } = secretPlant();
  let plant: Plant;
  let gateway: GatewayProcess;
  let [tokenA, tokenOperator] = ['', ''];

  beforeAll(async () => {
    mkdirSync(join(folder, 'models'));
    for (const { file_path: path } of [...own, ...secret]) if (path !== null) writeFileSync(join(folder, path), `solid ${path}`);
    plant = await outboxPlant({ orders: [...own, ...secret] });
    gateway = await startGateway({
      MES_DATABASE_URL: plant.url,
      REDIS_URL: await emptyRedis(),
      FILES_DIR: folder,
      LIVE_CONNECTIONS_MAX: '1000',
      ...UNLIMITED,
    });
    tokenA = await tokenFor({ role: 'partner', partnerId: 'partner-a' });
    tokenOperator = await tokenFor({ role: 'operator' });
  });
  afterAll(async () => {
    await gateway.stop();
    removeFolder(folder);
  });

  /** Everything that A might have got hold of, by whatever way; but no value of an order. */
  const stolen = (): Values => {
    const [some, mine] = [secret.slice(0, 12), own.slice(0, 4)];
    const paths = [...some, ...mine].flatMap(({ file_path: path }) => path ?? []);
    const words = ['partner-a', 'models/own.stl', ''];
    return {
      ID: [...some, ...mine].map(({ id }) => id).concat('00000000-0000-4000-8000-00000000dead', 'no id'),
      String: words,
      Int: [0, 1, 60, 1_000, -1],
      Float: [0, 1.5],
      Boolean: [true, false],
      after: [...some, ...mine].map(cursorOf).concat('no cursor'),
      path: [...paths, 'models/none.stl', '../models/own.stl', 'models/'],
      DateTime: ['2025-07-24T14:00Z', '2025-07-24T14:30Z', '2025-07-24T15:07:30Z', '2025-07-23T00:00Z', '2025-07-24T16:00Z'],
      window: [60, 1, 17, 240, 1_440, 0, 44_640],
      first: [1, 0, 3, 1_000, 10_000, -1],
      expiresIn: [300, 1, 0],
      expectedVersion: [1, 77_731_901],
    };
  };

  const ask = async (
    { query, variables }: Pick<RandomOperation, 'query' | 'variables'>,
    token: string,
    how: number,
  ): Promise<Raw> => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'x-cache-debug': String(how % 2) };
    const byUrl = new URLSearchParams({ query, variables: JSON.stringify(variables) }).toString();
    const isGet = how >= 2 && query.startsWith('query') && byUrl.length < 6_000;
    const response = isGet
      ? await fetch(`${gateway.url}/graphql?${byUrl}`, { headers })
      : await fetch(`${gateway.url}/graphql`, { method: 'POST', headers, body: JSON.stringify({ query, variables }) });
    return { status: response.status, head: JSON.stringify([...response.headers]), body: await response.text() };
  };

  /** Error messages may repeat what A itself has sent, and nothing else. */
  const leaksOf = (operation: RandomOperation, { head, body }: Raw): string[] => {
    const { errors, ...rest } = JSON.parse(body) as { errors?: { message: string }[] };
    const sent = [...JSON.stringify(operation).matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, text = '']) => text.replace(/\\+$/, ''));
    const said = (errors ?? []).map((error) =>
      sent.filter((text) => text.length > 5).reduce((left, text) => left.replaceAll(text, ''), JSON.stringify(error)),
    );
    return [head, JSON.stringify(rest), ...said].flatMap(leaksIn);
  };

  const truth = (): OrdersTruth => ({ own });

  test('by any query: no answer holds anything of others, and all counts are of its own', async () => {
    const answered = { data: 0, totals: 0 };
    const how = fc.record({ way: fc.nat({ max: 3 }), times: fc.nat({ max: 2 }), warm: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(anyOperation(schema, 'query', stolen()), how, async (operation, { way, times, warm }) => {
        // What others have read is in the cache then, and nothing of it in an answer to A.
        if (warm) await ask(operation, tokenOperator, 0);
        for (let time = 0; time <= times; time += 1) {
          const raw = await ask(operation, tokenA, way);
          expect(raw.status).toBeLessThan(500);
          expect(leaksOf(operation, raw)).toEqual([]);
          const { data } = JSON.parse(raw.body) as { data?: Record<string, unknown> | null };
          if (!data) continue;
          answered.data += 1;
          const totals = totalsOf(operation, data, truth());
          answered.totals += totals.length;
          for (const { got, expected } of totals) expect(got).toEqual(expected);
        }
      }),
      { numRuns: QUERIES, interruptAfterTimeLimit: PATIENCE },
    );
    // Otherwise nothing was shown.
    expect(answered.data).toBeGreaterThan(10);
    expect(answered.totals).toBeGreaterThan(3);
  });

  test('by any mutation: nothing is changed, and nothing told', async () => {
    const before = await plant.query('select * from orders order by id');
    await fc.assert(
      fc.asyncProperty(anyOperation(schema, 'mutation', stolen()), async (operation) => {
        const raw = await ask(operation, tokenA, 1);
        expect(raw.status).toBeLessThan(500);
        expect(leaksOf(operation, raw)).toEqual([]);
        const { data } = JSON.parse(raw.body) as { data?: object | null };
        // Only a field that may be null in any case leaves the others their answers.
        expect(Object.values(data ?? {}).filter((value) => value !== null)).toEqual([]);
      }),
      { numRuns: MUTATIONS, interruptAfterTimeLimit: PATIENCE },
    );
    expect(await plant.query('select * from orders order by id')).toEqual(before);
  });

  test('by any subscription: no event is of others, while theirs are made, changed and deleted', async () => {
    const seed = Date.now() % 0x7fffffff;
    const operations = fc.sample(anyOperation(schema, 'subscription', stolen()), { numRuns: SUBSCRIPTIONS, seed });
    const all = { query: 'subscription { orderChanged { id } }', variables: {}, roots: [] };
    const streams = await Promise.all([...operations, all].map((operation) => follow(operation, tokenA)));
    const theirs = secretOrder('partner-b', '2025-07-24T14:31:00Z');
    const mine = own.slice(0, 6);
    const touch = ({ id }: PlantOrder) =>
      plant.query('update orders set version = version + 1, updated_at = now(), customer = customer where id = $1', [id]);
    await plant.insert(theirs);
    for (const order of secret.slice(0, 20)) await touch(order);
    await plant.query('delete from orders where id = $1', [secret[0]?.id]);
    await plant.query('update orders set partner_id = $1 where id = $2', [theirs.partner_id, secret[1]?.id]);
    for (const order of mine) await touch(order);
    await plant.query('delete from orders where id = $1', [own[6]?.id]);
    const [made] = await plant.insert({ partner_id: 'partner-a', created_at: '2025-07-24T14:33:00Z' });
    await until('the last change is told', () => streams.at(-1)!.text().includes(made!.id));
    const isTold = (text: string) => text.includes('event: next\ndata: {"data"');
    // Otherwise little was shown.
    await until('others are told', () => streams.filter((stream) => isTold(stream.text())).length > 5);
    const texts = await Promise.all(streams.map((stream) => stream.end()));
    for (const [index, text] of texts.entries()) {
      expect({ seed, query: [...operations, all][index]?.query, leaks: leaksIn(withoutErrors(text)) }).toMatchObject({
        leaks: [],
      });
    }
  });

  /** The stream of a subscription as text, its head included. */
  const follow = async ({ query, variables }: Pick<RandomOperation, 'query' | 'variables'>, token: string) => {
    const abort = new AbortController();
    const response = await fetch(`${gateway.url}/graphql/stream`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', accept: 'text/event-stream' },
      body: JSON.stringify({ query, variables }),
      signal: abort.signal,
    });
    let text = JSON.stringify([...response.headers]);
    const read = (async () => {
      for await (const piece of response.body as unknown as AsyncIterable<Uint8Array>) {
        text += Buffer.from(piece).toString();
      }
    })().catch(() => undefined);
    return {
      text: () => text,
      end: async (): Promise<string> => {
        abort.abort();
        await read;
        return text;
      },
    };
  };
});

/** An operation that is refused is told why, in words that may repeat it. */
function withoutErrors(text: string): string {
  return text.replace(/"message":"(?:[^"\\]|\\.)*"/g, '');
}
