import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { KIB, MIB, SECOND } from '../src/units.js';
import { bytesOf, filesIn } from './support/disk-world.js';
import { startFaultyOrigin, type FaultyOrigin } from './support/faulty-origin.js';
import { startGateway, type GatewayProcess } from './support/gateway.js';
import { freshPlant } from './support/plant.js';
import { until } from './support/race.js';
import { s3Client, s3Environment } from './support/servers/s3.js';
import { describeWith, sharedS3 } from './support/servers/shared.js';
import { removeFolder, temporaryFolder } from './support/servers/temporary.js';
import { tokenFor } from './support/tokens.js';

const SIZE = 20 * MIB;
/** Over a gigabyte goes through two gateways here. */
const PATIENCE = 120 * SECOND;
const hashOf = (bytes: Uint8Array): string => createHash('sha1').update(bytes).digest('hex');

describeWith('postgres', 's3')('two gateways that share a folder of cached files', () => {
  const ends: (() => unknown)[] = [];
  const gateways: GatewayProcess[] = [];
  let folder: string;
  let token: string;
  let origin: FaultyOrigin;
  let env: Record<string, string>;
  let put: (path: string, bytes: Buffer) => Promise<unknown>;

  beforeAll(async () => {
    const s3 = sharedS3();
    const [plant, bucket] = await Promise.all([freshPlant(), s3.newBucket()]);
    folder = temporaryFolder();
    origin = await startFaultyOrigin(s3.endpoint);
    const client = s3Client(s3);
    ends.push(
      () => origin.close(),
      () => client.destroy(),
      () => removeFolder(folder),
    );
    put = (Key, Body) => client.send(new PutObjectCommand({ Bucket: bucket, Key, Body }));
    env = {
      ...s3Environment({ ...s3, endpoint: origin.url }, bucket),
      MES_DATABASE_URL: plant.url,
      FILE_CACHE_DIR: join(folder, 'cache'),
      // A third of it is how long the store may send nothing.
      FILE_SOURCE_DEADLINE_SECONDS: '30',
    };
    token = await tokenFor({ role: 'service' });
    gateways.push(...(await Promise.all([startGateway(env), startGateway(env)])));
  }, PATIENCE);

  beforeEach(() => origin.reset());

  afterAll(async () => {
    await Promise.all(gateways.map((gateway) => gateway.stop()));
    await Promise.all(ends.map((end) => end()));
  });

  const get = async (gateway: GatewayProcess | undefined, path: string, range?: string): Promise<Response> => {
    if (!gateway) throw new Error('expected two gateways');
    return gateway.get(`/files/${path}`, { token, ...(range !== undefined && { headers: { range } }) });
  };

  async function read(gateway: GatewayProcess | undefined, path: string, range?: string) {
    const response = await get(gateway, path, range);
    const hash = createHash('sha1');
    for await (const chunk of response.body ?? []) hash.update(chunk as Uint8Array);
    return { status: response.status, hash: hash.digest('hex'), cacheStatus: response.headers.get('cache-status') };
  }

  async function originBytes(): Promise<number> {
    const texts = await Promise.all(gateways.map(async (gateway) => (await gateway.get('/metrics', { token })).text()));
    const values = texts.map((text) => Number(/^mes_file_origin_bytes_total (\d+)$/m.exec(text)?.[1]));
    return values.reduce((sum, value) => sum + value, 0);
  }

  /** Reads until `length` bytes have come. */
  async function begin(gateway: GatewayProcess | undefined, path: string, length: number) {
    const response = await get(gateway, path);
    if (!response.body) throw new Error('expected a body');
    const reader = response.body.getReader();
    const chunks: Uint8Array[] = [];
    const take = async (): Promise<boolean> => {
      const { done, value } = await reader.read();
      if (value) chunks.push(value);
      return !done;
    };
    while (chunks.reduce((sum, chunk) => sum + chunk.length, 0) < length) await take();
    const rest = async (): Promise<string> => {
      while (await take());
      return hashOf(Buffer.concat(chunks));
    };
    return { status: response.headers.get('cache-status'), rest };
  }

  test(
    'fifty clients on one cold file: the store gives it once',
    async () => {
      const bytes = bytesOf('cold.stl', 1, SIZE);
      await put('cold.stl', bytes);
      const before = await originBytes();
      const answers = await Promise.all(Array.from({ length: 50 }, (_, index) => read(gateways[index % 2], 'cold.stl')));
      expect(new Set(answers.map(({ hash }) => hash))).toEqual(new Set([hashOf(bytes)]));
      expect((await originBytes()) - before).toBe(SIZE);
      const words = answers.map(({ cacheStatus }) => cacheStatus);
      expect(words.filter((word) => word === 'mes-gateway; fwd=miss; stored; detail=filled')).toHaveLength(1);
      expect(words.filter((word) => word !== 'mes-gateway; fwd=miss; stored; detail=filled')).toEqual(
        Array.from({ length: 49 }, (): unknown =>
          expect.stringMatching(/^mes-gateway; (fwd=miss; collapsed; detail=joined|hit; detail=hit-disk)$/),
        ),
      );
      expect(await read(gateways[1], 'cold.stl')).toMatchObject({ cacheStatus: 'mes-gateway; hit; detail=hit-disk' });
      expect((await originBytes()) - before).toBe(SIZE);
    },
    PATIENCE,
  );

  test(
    'a range of a cold file reads its slices; the whole file later, by the other gateway, the rest',
    async () => {
      const bytes = bytesOf('range.stl', 1, SIZE);
      await put('range.stl', bytes);
      const before = await originBytes();
      const [start, end] = [7 * MIB + 17, 7 * MIB + 100 * KIB];
      const part = await read(gateways[0], 'range.stl', `bytes=${start}-${end}`);
      expect(part).toMatchObject({ status: 206, hash: hashOf(bytes.subarray(start, end + 1)) });
      expect((await originBytes()) - before).toBe(128 * KIB);
      expect(await read(gateways[1], 'range.stl')).toMatchObject({ status: 200, hash: hashOf(bytes) });
      expect((await originBytes()) - before).toBe(SIZE);
    },
    PATIENCE,
  );

  test(
    'a file that is replaced while a slow store gives it: downloads break, and the next ones are new',
    async () => {
      const [old, renewed] = [bytesOf('slow.stl', 1, SIZE), bytesOf('slow.stl', 2, SIZE)];
      await put('slow.stl', old);
      for (const gateway of gateways) await gateway.get('/files/slow.stl', { token, method: 'HEAD' });
      origin.plan.push({ after: 5 * MIB, then: 'silence' });
      const downloads = await Promise.all(gateways.map((gateway) => begin(gateway, 'slow.stl', 4 * MIB)));
      await put('slow.stl', renewed);
      const ended = await Promise.all(downloads.map(({ rest }) => rest().catch(() => 'broken')));
      expect(ended).toEqual(['broken', 'broken']);
      for (const gateway of gateways)
        expect(await read(gateway, 'slow.stl')).toMatchObject({ status: 200, hash: hashOf(renewed) });
    },
    PATIENCE,
  );

  test(
    'a slow client gets the old version whole from the disk, although the file was replaced',
    async () => {
      const [old, renewed] = [bytesOf('lazy.stl', 1, SIZE), bytesOf('lazy.stl', 2, SIZE)];
      await put('lazy.stl', old);
      const slow = await begin(gateways[0], 'lazy.stl', MIB);
      expect((await read(gateways[1], 'lazy.stl')).hash).toBe(hashOf(old));
      await put('lazy.stl', renewed);
      expect(await slow.rest()).toBe(hashOf(old));
    },
    PATIENCE,
  );

  test(
    'a gateway is killed while it fills: the downloads of the other one go on where it was',
    async () => {
      const bytes = bytesOf('killed.stl', 1, SIZE);
      await put('killed.stl', bytes);
      const doomed = await startGateway(env);
      gateways.push(doomed);
      origin.reset();
      origin.plan.push(undefined, { after: 5 * MIB, then: 'silence' });
      const lost = await begin(doomed, 'killed.stl', 4 * MIB);
      const kept = await begin(gateways[0], 'killed.stl', 4 * MIB);
      expect(kept.status).toBe('mes-gateway; fwd=miss; collapsed; detail=joined');
      const both = [lost.rest().catch(() => 'broken'), kept.rest()];
      doomed.kill('SIGKILL');
      await until('it is gone', () => !doomed.isRunning());
      expect(await Promise.all(both)).toEqual(['broken', hashOf(bytes)]);
      gateways.pop();
      await doomed.stop();
      const bodies = origin.seen.filter(({ method }) => method === 'GET').map(({ range }) => range);
      expect(bodies).toEqual([undefined, expect.stringMatching(/^bytes=(4\d{6}|5\d{6})-20971519$/)]);
      expect((await filesIn(join(folder, 'cache'))).filter((file) => /cache\/(claims|tmp)\//.test(file))).toEqual([]);
    },
    PATIENCE,
  );
});
