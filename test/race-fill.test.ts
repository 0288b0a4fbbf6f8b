import { randomUUID } from 'node:crypto';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { emptyRedis } from './support/empty-redis.js';
import { startGateway, type GatewayProcess } from './support/gateway.js';
import { freshPlant, type Plant } from './support/plant.js';
import { tokenFor } from './support/tokens.js';
import { startProxy, type Hold, type Proxy } from './support/proxy.js';
import { holdFirst, noonTimeZone, runRace } from './support/race.js';
import { s3Client, s3Environment } from './support/servers/s3.js';
import { describeWith, sharedS3 } from './support/servers/shared.js';

/** One thing that is cached, and a new name for it in every race. */
interface Subject {
  /** Makes it, in its old state, with nobody having read it. */
  make(gateways: Gateways): Promise<Made>;
}

interface Made {
  hold(): Hold;
  /** What `gateway` answers: `old` or `new`, or whatever else it says. */
  read(gateway: GatewayProcess): Promise<unknown>;
  change(gateway: GatewayProcess): Promise<unknown>;
}

interface Gateways {
  readonly slow: GatewayProcess;
  readonly mutating: GatewayProcess;
}

const READS = {
  tile: `query ($at: DateTime!) { orders(createdBy: $at, window: 60) { nodes { id status } } }`,
  today: `{ orders { nodes { id status } } }`,
  order: `query ($id: ID!) { order(id: $id) { id status } }`,
  file: `query ($path: String!) { file(path: $path) { size } }`,
};
const ADVANCE = `mutation ($id: ID!, $status: OrderStatus!) { updateOrderStatus(id: $id, status: $status) { status } }`;
const FILE_CHANGED = `mutation ($path: String!) { fileChanged(path: $path) { size } }`;
const STATUS_NAMES: Record<string, string> = { FILE_UPLOADED: 'old', SUBMITTED: 'new' };
const SIZES: Record<number, string> = { 13: 'old', 14: 'new' };

describeWith(
  'postgres',
  'redis',
  's3',
)('a fill that is slower than an invalidation leaves nothing old behind', () => {
  const running: (() => Promise<unknown>)[] = [];
  let plant: Plant;
  let database: Proxy;
  let store: Proxy;
  let bucket: string;
  let operator: string;
  let env: Record<string, string>;

  const start = async (more: Record<string, string>): Promise<GatewayProcess> => {
    const gateway = await startGateway({ ...env, ...more });
    running.push(gateway.stop);
    return gateway;
  };
  const slowly = () => {
    const url = new URL(plant.url);
    url.port = String(database.port);
    return { MES_DATABASE_URL: url.href, S3_ENDPOINT: `http://127.0.0.1:${store.port}` };
  };

  beforeAll(async () => {
    plant = await freshPlant();
    const s3 = sharedS3();
    bucket = await s3.newBucket();
    database = await startProxy({ port: Number(new URL(plant.url).port) });
    store = await startProxy({ port: Number(new URL(s3.endpoint).port) });
    running.push(
      () => database.close(),
      () => store.close(),
    );
    operator = await tokenFor({ role: 'operator' });
    env = {
      PLANT_TIME_ZONE: noonTimeZone(),
      MES_DATABASE_URL: plant.url,
      ...s3Environment(s3, bucket),
    };
  });
  afterAll(async () => {
    await Promise.all(running.map((end) => end()));
  });

  const ask = async (gateway: GatewayProcess, query: string, variables: Record<string, unknown>) => {
    const answer = await gateway.graphql(query, variables, { token: operator });
    if (answer.errors) throw new Error(answer.text);
    return answer.data!;
  };
  const advance = (gateway: GatewayProcess, id: string, status: string) => ask(gateway, ADVANCE, { id, status });

  let hours = 0;
  /** An order whose windows nobody has filled since it exists. */
  const orderSubject = (read: (gateway: GatewayProcess, id: string, at: string) => Promise<unknown>, today = false): Subject => ({
    make: async ({ mutating }) => {
      const at = today ? new Date().toISOString() : new Date(Date.UTC(2025, 6, 1) + ++hours * 3_600_000).toISOString();
      const [order] = await plant.insert({ created_at: at, status: 'INITIATED' });
      const { id } = order!;
      await advance(mutating, id, 'FILE_UPLOADED');
      return {
        hold: () => holdFirst(database, id),
        read: (gateway) => read(gateway, id, at),
        change: (gateway) => advance(gateway, id, 'SUBMITTED'),
      };
    },
  });
  const listed = (data: Record<string, unknown>, id: string) => {
    const { nodes } = data['orders'] as { nodes: { id: string; status: string }[] };
    const status = nodes.find((node) => node.id === id)?.status ?? 'absent';
    return STATUS_NAMES[status] ?? status;
  };
  /** @param held part of the answer that is held: to the HEAD of the fill, or to its GET */
  const fileSubject = (held: string): Subject => ({
    make: async () => {
      const path = `models/${randomUUID()}.stl`;
      const put = async (body: string) => {
        const client = s3Client(sharedS3());
        await client.send(new PutObjectCommand({ Bucket: bucket, Key: path, Body: body }));
        client.destroy();
      };
      await put('the old bytes');
      return {
        hold: () => holdFirst(store, held),
        read: async (gateway) => {
          const { file } = (await ask(gateway, READS.file, { path })) as { file: { size: number } };
          const bytes = await (await gateway.get(`/files/${path}`, { token: operator })).text();
          return [SIZES[file.size], bytes.split(' ')[1]].join();
        },
        change: async (gateway) => {
          await put('the new bytes!');
          return ask(gateway, FILE_CHANGED, { path });
        },
      };
    },
  });
  const subjects: Record<string, Subject> = {
    'a tile window': orderSubject(async (gateway, id, at) => listed(await ask(gateway, READS.tile, { at }), id)),
    "today's orders": orderSubject(async (gateway, id) => listed(await ask(gateway, READS.today, {}), id), true),
    'a single order': orderSubject(async (gateway, id) => {
      const { order } = (await ask(gateway, READS.order, { id })) as { order: { status: string } };
      return STATUS_NAMES[order.status];
    }),
    'a file whose HEAD is held': fileSubject('HTTP/1.1 200'),
    'a file whose GET is held': fileSubject('the old bytes'),
  };

  async function race({ slow, mutating }: Gateways, subject: Subject): Promise<void> {
    for (const readBetween of [false, true]) {
      const made = await subject.make({ slow, mutating });
      const instances = new Set([slow, mutating]);
      const reader = (gateway: GatewayProcess) => () => made.read(gateway);
      const { meanwhile, after } = await runRace({
        hold: made.hold,
        slowRead: reader(slow),
        change: () => made.change(mutating),
        ...(readBetween && { meanwhile: () => Promise.all([...instances].map((each) => made.read(each))) }),
        readers: [...instances, ...instances].map(reader),
      });
      const fresh: unknown = expect.stringMatching(/^new(,new)?$/);
      expect(after).toEqual(after.map(() => fresh));
      if (readBetween) expect(meanwhile).toEqual([...instances].map(() => fresh));
    }
  }

  describe.each(['memory', 'Redis and one instance', 'Redis and two instances'])('with %s', (setting) => {
    let gateways: Gateways;
    beforeAll(async () => {
      const redis: Record<string, string> = setting === 'memory' ? {} : { REDIS_URL: await emptyRedis() };
      const slow = await start({ ...redis, ...slowly() });
      gateways = { slow, mutating: setting.endsWith('two instances') ? await start(redis) : slow };
    });
    test.each(Object.entries(subjects).map(([name, subject]) => ({ name, subject })))('$name', ({ subject }) =>
      race(gateways, subject),
    );
  });
});
