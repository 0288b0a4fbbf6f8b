import { once } from 'node:events';
import { createConnection, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { startProxy, type Proxy } from './support/proxy.js';
import { startRedisCluster } from './support/servers/redis-cluster.js';
import { startRedis } from './support/servers/redis.js';
import { queryOnce, startPostgres } from './support/servers/postgres.js';
import { s3Client } from './support/servers/s3.js';
import { describeWith, sharedPostgres, sharedRedis, sharedS3 } from './support/servers/shared.js';
import { run } from './support/servers/run.js';
import { programsOf } from './support/servers/packages.js';

describeWith('redis')('Redis for tests', () => {
  test('the shared one keeps what it is given, in this worker’s own database', async () => {
    const { paths, env } = await programsOf('redis');
    const cli = (...args: string[]): Promise<string> => run(paths['redis-cli']!, ['-u', sharedRedis().url, ...args], { env });
    await cli('set', 'key', 'value');
    expect(await cli('get', 'key')).toBe('value\n');
  });

  test('one of one’s own can be killed, and comes back empty on the same port', async () => {
    const redis = await startRedis();
    try {
      await redis.cli('set', 'key', 'value');
      const { pid, port } = redis;
      await redis.kill();
      await expect(redis.cli('ping')).rejects.toThrow('Connection refused');
      await redis.restart();
      expect(redis).toMatchObject({ port });
      expect(redis.pid).not.toBe(pid);
      expect(await redis.cli('get', 'key')).toBe('');
    } finally {
      await redis.stop();
    }
  });

  test('a cluster spreads keys over three masters', async () => {
    const cluster = await startRedisCluster();
    try {
      const [first] = cluster.nodes;
      const keys = ['a', 'b', 'c', 'd', 'e', 'f'];
      for (const key of keys) expect(await first!.cli('-c', 'set', key, `value of ${key}`)).toContain('OK');
      for (const key of keys) expect(await first!.cli('-c', 'get', key)).toContain(`value of ${key}`);
      const masters = await cluster.masterNodes();
      expect(masters).toHaveLength(3);
      for (const master of masters) expect(await master.cli('dbsize')).not.toBe('0');
    } finally {
      await cluster.stop();
    }
  });
});

describeWith('s3')('S3 for tests', () => {
  test('gives back what was put, and refuses a wrong secret', async () => {
    const s3 = sharedS3();
    const Bucket = await s3.newBucket();
    const client = s3Client(s3);
    const stranger = s3Client({ ...s3, secretAccessKey: 'wrong' });
    const Key = 'models/ring-17.stl';
    try {
      await client.send(new PutObjectCommand({ Bucket, Key, Body: 'solid ring', ContentType: 'model/stl' }));
      const got = await client.send(new GetObjectCommand({ Bucket, Key }));
      expect(got.ContentType).toBe('model/stl');
      expect(await got.Body?.transformToString()).toBe('solid ring');
      await expect(stranger.send(new GetObjectCommand({ Bucket, Key }))).rejects.toMatchObject({ name: 'SignatureDoesNotMatch' });
    } finally {
      client.destroy();
      stranger.destroy();
    }
  });
});

describeWith('postgres')('Postgres for tests', () => {
  test('the shared one makes a fresh database, also in place of an old one', async () => {
    const url = await sharedPostgres().createDatabase('support test');
    await queryOnce(url, 'CREATE TABLE things (id int)');
    expect(await queryOnce(url, 'SELECT count(*)::int AS n FROM things')).toEqual([{ n: 0 }]);
    await sharedPostgres().createDatabase('support test');
    await expect(queryOnce(url, 'SELECT * FROM things')).rejects.toThrow('does not exist');
  });

  test('one of one’s own can be killed, and comes back with its data', async () => {
    const postgres = await startPostgres({ extraArgs: ['-c', 'work_mem=5MB'] });
    try {
      await postgres.query('CREATE TABLE things AS SELECT 7 AS id');
      await postgres.query('CHECKPOINT');
      await postgres.kill();
      await expect(postgres.query('SELECT 1')).rejects.toThrow('ECONNREFUSED');
      await postgres.restart();
      expect(await postgres.query('SELECT id, $1::text AS word FROM things', ['said'])).toEqual([{ id: 7, word: 'said' }]);
      expect(await postgres.query('SHOW work_mem')).toEqual([{ work_mem: '5MB' }]);
    } finally {
      await postgres.stop();
    }
  });
});

describe('the TCP proxy', () => {
  let echo: Server;
  let proxy: Proxy;
  let client: Socket;

  beforeEach(async () => {
    echo = createServer((socket) => socket.on('error', () => undefined).pipe(socket)).listen(0, '127.0.0.1');
    await once(echo, 'listening');
    proxy = await startProxy({ port: (echo.address() as AddressInfo).port });
    client = createConnection({ port: proxy.port, host: proxy.host });
    await once(client, 'connect');
  });

  afterEach(async () => {
    client.destroy();
    await proxy.close();
    echo.close();
    await once(echo, 'close');
  });

  const ask = async (text: string): Promise<string> => {
    client.write(text);
    const [answer] = (await once(client, 'data')) as [Buffer];
    return answer.toString();
  };

  test('passes bytes on, and counts them', async () => {
    expect(await ask('hello')).toBe('hello');
    expect(proxy.bytes).toEqual({ upstream: 5, downstream: 5 });
    expect(proxy).toMatchObject({ connections: 1, accepted: 1 });
  });

  test('delays each direction by its own time', async () => {
    proxy.setDelay({ upstream: 40, downstream: 20 });
    const start = performance.now();
    await ask('hello');
    expect(performance.now() - start).toBeGreaterThanOrEqual(59);
  });

  test('holds answers until they are released, in order', async () => {
    const hold = proxy.holdResponses((piece) => piece.includes('slow'));
    expect(await ask('quick')).toBe('quick');
    let answered = false;
    const answer = ask('slow').finally(() => (answered = true));
    await hold.heldOnce;
    expect(answered).toBe(false);
    expect(proxy.bytes).toEqual({ upstream: 9, downstream: 5 });
    hold.release();
    expect(await answer).toBe('slow');
    expect(await ask('slow')).toBe('slow');
  });

  test('passes nothing on while paused', async () => {
    proxy.pause();
    const answer = ask('hello');
    const beside = createConnection((echo.address() as AddressInfo).port, '127.0.0.1');
    beside.write('a round trip beside the proxy, in which the proxy gets what it was sent');
    await once(beside, 'data');
    beside.destroy();
    expect(proxy.bytes.upstream).toBe(0);
    proxy.resume();
    expect(await answer).toBe('hello');
  });

  test('passes a large stream on whole through a pause', async () => {
    const sent = Buffer.alloc(4 * 1024 * 1024, 'abcdefgh');
    const got: Buffer[] = [];
    client.on('data', (piece: Buffer) => got.push(piece));
    proxy.pause();
    client.end(sent);
    proxy.resume();
    await once(client, 'end');
    expect(Buffer.concat(got).equals(sent)).toBe(true);
  });

  test('drops connections with a reset, and refuses new ones until told otherwise', async () => {
    await ask('hello');
    await proxy.refuse(true);
    expect(await ask('still open')).toBe('still open');
    const [refused] = (await once(createConnection({ port: proxy.port, host: proxy.host }), 'error')) as [NodeJS.ErrnoException];
    expect(refused.code).toBe('ECONNREFUSED');
    const reset = once(client, 'error');
    proxy.dropAll();
    expect(await reset).toMatchObject([{ code: 'ECONNRESET' }]);
    await proxy.refuse(false);
    client = createConnection({ port: proxy.port, host: proxy.host });
    await once(client, 'connect');
    expect(await ask('again')).toBe('again');
  });
});
