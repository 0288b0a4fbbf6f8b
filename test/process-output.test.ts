import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { startGateway, type GatewayProcess } from './support/gateway.js';
import { freshPlant } from './support/plant.js';
import { TEST_SECRET, tokenFor } from './support/tokens.js';
import { startProxy, type Proxy } from './support/proxy.js';
import { holdFirst, metric, until } from './support/race.js';
import { startProcess } from './support/servers/server-process.js';
import { startRedis, type RedisServer } from './support/servers/redis.js';
import { run } from './support/servers/run.js';
import { freePort } from './support/servers/ports.js';
import { s3Client, s3Environment } from './support/servers/s3.js';
import { describeWith, sharedS3 } from './support/servers/shared.js';
import { removeFolder, temporaryFolder } from './support/servers/temporary.js';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
const WINDOW = `query Dashboard { orders(createdBy: "2025-07-24T15:00Z") { nodes { id file { url(delivery: STORE) } } } }`;
const FILE = `{ file(path: "models/ring.stl") { url store: url(delivery: STORE) } }`;
const DATABASE_PASSWORD = 'db-pa55word-of-the-test';
const REDIS_PASSWORD = 'redis-pa55word-of-the-test';

type Line = Record<string, unknown>;

describeWith(
  'postgres',
  'redis',
  's3',
)('what the process says', () => {
  let redis: RedisServer;
  let proxies: { database: Proxy; redis: Proxy; s3: Proxy };
  let gateway: GatewayProcess;
  const secrets = new Map<string, string>();
  const s3 = () => sharedS3();

  beforeAll(async () => {
    const plant = await freshPlant({ orders: [{ file_path: 'models/ring.stl' }] });
    redis = await startRedis();
    await redis.cli('config', 'set', 'requirepass', REDIS_PASSWORD);
    const bucket = await s3().newBucket();
    const client = s3Client(s3());
    await client.send(new PutObjectCommand({ Bucket: bucket, Key: 'models/ring.stl', Body: 'solid ring' }));
    client.destroy();
    const url = new URL(plant.url);
    proxies = {
      database: await startProxy({ port: Number(url.port) }),
      redis: await startProxy({ port: redis.port }),
      s3: await startProxy({ port: Number(new URL(s3().endpoint).port) }),
    };
    url.port = String(proxies.database.port);
    url.password = DATABASE_PASSWORD;
    gateway = await startGateway({
      LOG_LEVEL: 'trace',
      STORE_DEADLINE_MS: '2000',
      MES_DATABASE_URL: url.href,
      REDIS_URL: `redis://:${REDIS_PASSWORD}@127.0.0.1:${proxies.redis.port}`,
      ...s3Environment({ ...s3(), endpoint: `http://127.0.0.1:${proxies.s3.port}` }, bucket),
      FILE_TTL_SECONDS: '1',
    });
    secrets.set('AUTH_JWT_SECRET', TEST_SECRET);
    secrets.set('the database password', DATABASE_PASSWORD);
    secrets.set('the Redis password', REDIS_PASSWORD);
    secrets.set('the S3 secret', s3().secretAccessKey);
    await until('Redis is used', async () => {
      await gateway.graphql(WINDOW, {}, { token: await token('operator') });
      return (await redis.cli('-a', REDIS_PASSWORD, '--no-auth-warning', 'dbsize')) !== '0';
    });
  });
  afterAll(async () => {
    await gateway.stop();
    await Promise.all([...Object.values(proxies), { close: () => redis.stop() }].map((each) => each.close()));
  });

  async function token(role: string): Promise<string> {
    const made = await tokenFor({ role, partnerId: 'partner-a' });
    secrets.set(`a token of ${role} ${secrets.size}`, made.split('.')[2]!);
    return made;
  }
  const lines = (): Line[] => {
    const text = gateway.output().trim().split('\n');
    return text.map((line) => JSON.parse(line) as Line);
  };
  const requestLine = async (reqId: string): Promise<Line> => {
    const find = () => lines().find((each) => each['reqId'] === reqId && each['msg'] === 'request');
    await until(`the line of the request ${reqId}`, () => find() !== undefined);
    return find()!;
  };

  test('a line of JSON for each request, with its id, operation, role and outcomes', async () => {
    const ask = { token: await token('operator'), headers: { 'x-request-id': 'req-of-the-test' } };
    const answer = await gateway.graphql(WINDOW, {}, ask);
    expect(answer.headers.get('x-request-id')).toBe('req-of-the-test');
    expect(await requestLine('req-of-the-test')).toMatchObject({
      level: 30,
      time: expect.any(Number),
      method: 'POST',
      path: '/graphql',
      status: 200,
      ms: expect.any(Number),
      operation: 'query Dashboard',
      role: 'operator',
      cache: { outcomes: { orders: expect.any(Object), file: expect.any(Object) }, storeRoundTrips: expect.any(Number) },
    });
    const own = await gateway.get('/files/models/ring.stl', { token: ask.token, headers: { 'x-request-id': 'bad id\tx' } });
    expect(await own.text()).toBe('solid ring');
    const id = own.headers.get('x-request-id')!;
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
    expect(await requestLine(id)).toMatchObject({
      path: '/files/models/ring.stl',
      cache: expect.stringContaining('mes-gateway'),
    });
  });

  test('the line says which errors were answered, and to whom', async () => {
    const partner = { token: await token('partner'), headers: { 'x-request-id': 'refused-partner' } };
    await gateway.graphql('mutation { updateOrderStatus(id: "x", status: SHIPPED) { id } a: nothing }', {}, partner);
    expect(await requestLine('refused-partner')).toMatchObject({
      errors: ['GRAPHQL_VALIDATION_FAILED'],
      role: 'partner',
      partner: 'partner-a',
    });
    await gateway.get('/files/models/none.stl', { ...partner, headers: { 'x-request-id': 'no-file' } });
    expect(await requestLine('no-file')).toMatchObject({ status: 404, errors: ['NOT_FOUND'], partner: 'partner-a' });
    const strangers = [
      ['stranger-graphql', '/graphql?query=%7B__typename%7D'],
      ['stranger-file', '/files/models/ring.stl'],
    ] as const;
    for (const [id, path] of strangers) {
      const headers = { 'x-request-id': id, authorization: 'Bearer nonsense', 'apollo-require-preflight': '1' };
      expect((await gateway.get(path, { headers })).status).toBe(401);
      expect(await requestLine(id)).toMatchObject({ errors: ['UNAUTHENTICATED'], address: '127.0.0.1' });
    }
    expect(await requestLine('req-of-the-test')).not.toHaveProperty('errors');
  });

  test('a line and a count also for a request whose client went away', async () => {
    const hold = holdFirst(proxies.database);
    const leaving = new AbortController();
    const answer = fetch(`${gateway.url}/graphql`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${await token('operator')}`,
        'content-type': 'application/json',
        'x-request-id': 'went-away',
      },
      body: JSON.stringify({ query: 'query Unseen { orders(createdBy: "2024-01-01T00:00Z", window: 60) { totalCount } }' }),
      signal: leaving.signal,
    });
    await hold.heldOnce;
    leaving.abort();
    await expect(answer).rejects.toThrow('aborted');
    expect(await requestLine('went-away')).toMatchObject({
      status: 499,
      aborted: true,
      operation: 'query Unseen',
      role: 'operator',
      ms: expect.any(Number),
    });
    hold.release();
    const counted = 'mes_http_request_duration_seconds_count{route="/graphql",status="499"}';
    expect(await metric(gateway, counted)).toBe(1);
  });

  test('/healthz, /readyz and /metrics need no token and hold what operators need', async () => {
    expect(await (await gateway.get('/healthz')).json()).toEqual({ status: 'ok' });
    await until('the store answers in time', async () => {
      await gateway.graphql(WINDOW, {}, { token: await token('operator') });
      return (await metric(gateway, 'mes_store_available')) === 1;
    });
    const ready = await gateway.get('/readyz');
    expect({ status: ready.status, body: await ready.json() }).toEqual({
      status: 200,
      body: { status: 'ready', database: 'ok', store: 'ok' },
    });
    const metrics = await gateway.get('/metrics');
    expect(metrics.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
    const text = await metrics.text();
    for (const line of [
      /^mes_cache_outcomes_total\{entity="orders",outcome="filled"\} \d+$/m,
      /^mes_cache_outcomes_total\{entity="orders",outcome="hit-memory"\} \d+$/m,
      /^mes_sql_statements_total [1-9]/m,
      /^mes_store_round_trips_total [1-9]/m,
      /^mes_ready_answers_total \d+$/m,
      /^mes_memory_tier_bytes [1-9]/m,
      /^mes_pending_renewals 0$/m,
      /^mes_store_available 1$/m,
      /^mes_http_request_duration_seconds_count\{route="\/graphql",status="200"\} [1-9]/m,
      /^process_resident_memory_bytes [1-9]/m,
    ]) {
      expect(text).toMatch(line);
    }
  });

  test('no secret, no token and no signature is in any line, whatever went wrong', async () => {
    const good = await token('operator');
    const { data } = await gateway.graphql<{ file: { url: string; store: string } }>(FILE, {}, { token: good });
    for (const [what, url] of Object.entries(data!.file)) {
      const parameters = new URL(url).searchParams;
      secrets.set(`the signature of ${what}`, (parameters.get('signature') ?? parameters.get('X-Amz-Signature'))!);
      expect((await fetch(url)).status).toBe(200);
    }
    await fetch(`${data!.file.url}x`);
    const forged = `${good}x`;
    await gateway.graphql(WINDOW, {}, { token: forged });
    await gateway.get(`/graphql?query=${encodeURIComponent(WINDOW)}&token=${good}`, { token: good });
    await gateway.get(`/files/models/ring.stl?token=${good}`, { headers: { authorization: `Basic ${good}` } });
    for (const proxy of Object.values(proxies)) {
      await proxy.refuse(true);
      proxy.dropAll();
    }
    const cold = '{ orders(createdBy: "2025-07-25T15:00Z") { totalCount } file(path: "models/cold.stl") { size } }';
    const failed = await gateway.graphql(cold, {}, { token: good });
    expect(failed.errors?.map(({ extensions }) => extensions.code)).toContain('SOURCE_UNAVAILABLE');
    await gateway.graphql(`mutation { fileChanged(path: "models/ring.stl") { size } }`, {}, { token: good });
    for (const proxy of Object.values(proxies)) await proxy.refuse(false);
    await until('the gateway is ready again', async () => (await gateway.get('/readyz')).status === 200);
    expect(await gateway.stop()).toBe(0);
    expect(lines().some(({ level }) => Number(level) >= 40)).toBe(true);
    const output = gateway.output();
    for (const [name, secret] of secrets) expect({ name, isSaid: output.includes(secret) }).toEqual({ name, isSaid: false });
    expect(output).not.toMatch(/Bearer [\w-]|signature=|X-Amz-Signature|AWS4-HMAC/i);
  });
});

describeWith('postgres')('the build', () => {
  test('runs from any folder, and finds all that it imports among the production dependencies', async () => {
    const folder = temporaryFolder();
    const app = join(folder, 'app');
    await mkdir(join(app, 'node_modules'), { recursive: true });
    const manifest = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as Record<string, Record<string, string>>;
    await writeFile(join(app, 'package.json'), JSON.stringify({ type: 'module' }));
    // Only what is in `dependencies` can be imported by name from here.
    for (const name of Object.keys({ ...manifest['dependencies'], ...manifest['optionalDependencies'] })) {
      await mkdir(dirname(join(app, 'node_modules', name)), { recursive: true });
      await symlink(join(ROOT, 'node_modules', name), join(app, 'node_modules', name));
    }
    await run(
      process.execPath,
      [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json', '--outDir', join(app, 'dist')],
      { cwd: ROOT },
    );
    const elsewhere = join(folder, 'elsewhere');
    await mkdir(elsewhere);
    const port = await freePort();
    const gateway = await startProcess({
      command: 'env',
      args: ['-C', elsewhere, process.execPath, join(app, 'dist/main.js')],
      env: {
        PATH: process.env['PATH'],
        NODE_ENV: 'production',
        PORT: String(port),
        AUTH_JWT_SECRET: TEST_SECRET,
        MES_DATABASE_URL: (await freshPlant({ orders: [{}] })).url,
      },
      logFile: join(folder, 'log'),
    });
    try {
      const ready = () =>
        fetch(`http://127.0.0.1:${port}/readyz`).then(
          ({ ok }) => ok,
          () => false,
        );
      await gateway.until(ready, 30_000);
      const answer = await fetch(`http://127.0.0.1:${port}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${await tokenFor({ role: 'operator' })}` },
        body: JSON.stringify({ query: '{ orders(createdBy: "2025-07-24T15:00Z") { totalCount } }' }),
      });
      expect(await answer.json()).toEqual({ data: { orders: { totalCount: 1 } } });
    } finally {
      await gateway.end('SIGTERM');
    }
    // Modules that are loaded on demand are named by a string as well.
    const imports = await run('grep', [
      '-rhoE',
      `(^(import|export) .*from|^import|import\\() ?'[^.'][^']*'`,
      join(app, 'dist'),
      '--include=*.js',
    ]);
    const packages = new Set(
      [...imports.matchAll(/'((?:@[^/']+\/)?[^/']+)[^']*'/g)]
        .map(([, name]) => name!)
        .filter((name) => !name.startsWith('node:')),
    );
    const allowed = new Set(Object.keys({ ...manifest['dependencies'], ...manifest['optionalDependencies'] }));
    expect([...packages].filter((name) => !allowed.has(name))).toEqual([]);
    removeFolder(folder);
  }, 120_000);
});
