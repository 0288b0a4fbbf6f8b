import { randomUUID } from 'node:crypto';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { sendBucketEvents } from './support/bucket-events.js';
import { emptyRedis } from './support/empty-redis.js';
import { startGateway, type GatewayProcess } from './support/gateway.js';
import { freshPlant } from './support/plant.js';
import { startProxy, type Hold, type Proxy } from './support/proxy.js';
import { holdFirst, runRace } from './support/race.js';
import { s3Client, s3Environment } from './support/servers/s3.js';
import { describeWith, sharedS3 } from './support/servers/shared.js';
import { tokenFor } from './support/tokens.js';

const SECRET = 'secret-of-the-store';
/** Nothing expires while a test runs: what is seen is seen because of the change. */
const LONG = { FILE_TTL_SECONDS: '3600', FILE_ABSENT_TTL_SECONDS: '3600' };
/** Keys that the store tells of. It would tell of uploads too, and hide that one was not renewed. */
const TOLD = 'told/';
const OLD = 'solid old\nendsolid old\n';
const NEW = 'solid new one\nendsolid new one\n';

describeWith(
  'postgres',
  'redis',
  's3',
)('a file that has changed', () => {
  const ends: (() => unknown)[] = [];
  let store: Proxy;
  let slow: GatewayProcess;
  let changing: GatewayProcess;
  let token: string;
  let put: (path: string, body: string) => Promise<unknown>;

  beforeAll(async () => {
    const s3 = sharedS3();
    const [plant, bucket, redis] = await Promise.all([freshPlant(), s3.newBucket(), emptyRedis()]);
    store = await startProxy({ port: Number(new URL(s3.endpoint).port) });
    ends.push(() => store.close());
    const env = {
      ...s3Environment(s3, bucket),
      ...LONG,
      MES_DATABASE_URL: plant.url,
      REDIS_URL: redis,
      FILE_EVENTS_SECRETS: SECRET,
    };
    [slow, changing] = await Promise.all([
      startGateway({ ...env, S3_ENDPOINT: `http://127.0.0.1:${store.port}`, FILE_SOURCE_DEADLINE_SECONDS: '60' }),
      startGateway(env),
    ]);
    ends.push(slow.stop, changing.stop);
    await sendBucketEvents(s3, bucket, TOLD, `http://ceph:${SECRET}@127.0.0.1:${changing.port}/events/s3`);
    const client = s3Client(s3);
    ends.push(() => client.destroy());
    put = (path, Body) => client.send(new PutObjectCommand({ Bucket: bucket, Key: path, Body }));
    token = await tokenFor({ role: 'service' });
  });
  afterAll(async () => {
    await Promise.all(ends.map((end) => end()));
  });

  const read = async (gateway: GatewayProcess, path: string): Promise<string> => {
    const response = await gateway.get(`/files/${path}`, { token });
    return response.ok ? response.text() : String(response.status);
  };
  const upload = async (path: string): Promise<void> => {
    const response = await changing.get(`/files/${path}`, { method: 'PUT', token, body: NEW });
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  };
  const changes: Record<string, { folder: string; change: (path: string) => Promise<unknown> }> = {
    'by an upload': { folder: 'untold/', change: upload },
    "by the store's own event": { folder: TOLD, change: (path) => put(path, NEW) },
  };

  describe.each(Object.keys(changes))('%s', (name) => {
    const { folder, change } = changes[name]!;

    test('is seen by all at once, also where there was none', async () => {
      const [known, absent] = [`${folder}known-${randomUUID()}.stl`, `${folder}absent-${randomUUID()}.stl`];
      await put(known, OLD);
      for (const gateway of [slow, changing])
        expect([await read(gateway, known), await read(gateway, absent)]).toEqual([OLD, '404']);
      await Promise.all([known, absent].map(change));
      for (const gateway of [slow, changing])
        expect([await read(gateway, known), await read(gateway, absent)]).toEqual([NEW, NEW]);
    });

    test.each([
      ['HEAD', 'HTTP/1.1 200'],
      ['GET', 'solid old'],
    ])('is not hidden by a fill whose %s was answered before', async (_method, held) => {
      for (const readBetween of [false, true]) {
        const path = `${folder}${randomUUID()}.stl`;
        await put(path, OLD);
        const reader = (gateway: GatewayProcess) => () => read(gateway, path);
        const { meanwhile, after } = await runRace({
          hold: (): Hold => holdFirst(store, held),
          slowRead: reader(slow),
          change: () => change(path),
          ...(readBetween && { meanwhile: () => Promise.all([slow, changing].map((each) => read(each, path))) }),
          readers: [slow, changing, slow, changing].map(reader),
        });
        expect(after).toEqual([NEW, NEW, NEW, NEW]);
        if (readBetween) expect(meanwhile).toEqual([NEW, NEW]);
      }
    });
  });
});
