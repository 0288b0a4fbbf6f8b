import { createServer, type Server } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Server as TcpServer } from 'node:net';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loggedError } from '../src/telemetry/log-error.js';
import { startGateway, type GatewayProcess } from './support/gateway.js';
import { sendRaw } from './support/gateway-requests.js';
import { outboxPlant } from './support/feed.js';
import { byWs } from './support/live.js';
import { until } from './support/race.js';
import { leaksIn, secretsOf } from './support/secrets.js';
import { startRedis, type RedisServer } from './support/servers/redis.js';
import { describeWith } from './support/servers/shared.js';
import { removeFolder, temporaryFolder } from './support/servers/temporary.js';
import { tokenFor } from './support/tokens.js';

/** Each can be told from all others, and has what encodings change. */
const SECRETS = {
  AUTH_JWT_SECRET: 'jwt/s3cret+of=the test, longer than 32 bytes',
  FILE_URL_SECRETS: 'file-url+s3cret/one,file-url+s3cret/two',
  FILE_EVENTS_SECRETS: 'file-events+s3cret/one',
  METRICS_SECRETS: 'metrics+s3cret/one',
  AWS_ACCESS_KEY_ID: 'AKIATESTKEYOFTHETEST',
  AWS_SECRET_ACCESS_KEY: 'aws+s3cret/key/of/the/test',
  AWS_SESSION_TOKEN: 'aws+session/t0ken/of/the/test',
} as const;
const [DATABASE_PASSWORD, REDIS_PASSWORD, WRONG_PASSWORD] = ['db+s3cret/word', 'redis+s3cret/word', 'wrong+s3cret/word'];
const COOKIE = 'session=c00kie+of/the-test';
const BROKEN = '77777777-7777-4777-8777-777777777777';

describe('a search for secrets', () => {
  const secrets = new Map([['it', DATABASE_PASSWORD]]);

  test.each([
    ['itself', DATABASE_PASSWORD],
    ['in a URL', new URL(`x://y?z=${encodeURIComponent(DATABASE_PASSWORD)}`).href],
    ...[0, 1, 2].flatMap((before) =>
      (['base64', 'base64url'] as const).map((encoding) => {
        const text = `${'u'.repeat(before)}${DATABASE_PASSWORD}:after`;
        return [`as ${encoding} after ${before}`, Buffer.from(text).toString(encoding)] as [string, string];
      }),
    ),
    ['in hexadecimal', Buffer.from(DATABASE_PASSWORD).toString('hex')],
  ])('finds it %s', (_name, text) => expect(leaksIn(`… ${text} …`, secrets)).toEqual(['it']));

  test('finds nothing in other texts, and knows where secrets stand in an environment', () => {
    expect(leaksIn('db+s3cret and /word', secrets)).toEqual([]);
    const env = {
      ...SECRETS,
      MES_DATABASE_URL: `postgres://u:${encodeURIComponent(DATABASE_PASSWORD)}@h/d`,
      REDIS_URL: 'redis://h',
    };
    expect([...secretsOf(env).values()]).toEqual(
      expect.arrayContaining([DATABASE_PASSWORD, 'file-url+s3cret/two', SECRETS.AUTH_JWT_SECRET]),
    );
  });
});

test('the log has none of the fields that libraries hang on errors', () => {
  const cause = Object.assign(new Error('why'), { headers: { authorization: DATABASE_PASSWORD } });
  const fields = { code: 'E1', $response: { body: DATABASE_PASSWORD }, detail: DATABASE_PASSWORD };
  const error = Object.assign(new AggregateError([cause], 'what', { cause }), fields);
  const logged = loggedError(error);
  expect(JSON.stringify(logged)).not.toContain(DATABASE_PASSWORD);
  expect(logged).toEqual({
    type: 'AggregateError',
    message: 'what: why',
    stack: expect.stringContaining('caused by: Error: why'),
    code: 'E1',
    aggregateErrors: [{ type: 'Error', message: 'why', stack: expect.any(String) }],
  });
  expect(loggedError('text')).toBe('text');
});

/** A Postgres that takes no password. */
function refusingPostgres(): Promise<TcpServer> {
  const message = (type: string, body: Buffer): Buffer => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(body.length + 4);
    return Buffer.concat([Buffer.from(type), length, body]);
  };
  const server = createTcpServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => {
      socket.write(message('R', Buffer.from([0, 0, 0, 3])));
      socket.once('data', (answer) => {
        const said = `password authentication failed for user "mes", hint ${answer.length}`;
        socket.end(message('E', Buffer.from(`SFATAL\0C28P01\0M${said}\0\0`)));
      });
    });
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

/** A store that knows of every file, and answers to who reads one as S3 does to a wrong key: it repeats what it was sent. */
function refusingS3(): Promise<Server> {
  const server = createServer(({ headers, method, url }, response) => {
    if (method === 'HEAD' && url?.includes('denied') !== true) {
      const known = { 'content-length': '9', etag: '"1"', 'last-modified': 'Thu, 24 Jul 2025 15:00:00 GMT' };
      response.writeHead(200, known).end();
      return;
    }
    const [, signature = ''] = /Signature=(\w+)/.exec(headers.authorization ?? '') ?? [];
    const sent = Object.entries(headers).map(([name, value]) => `${name}:${String(value)}`);
    response
      .writeHead(403, { 'content-type': 'application/xml' })
      .end(
        `<?xml version="1.0"?><Error><Code>SignatureDoesNotMatch</Code><Message>The signature does not match.</Message>` +
          `<AWSAccessKeyId>${SECRETS.AWS_ACCESS_KEY_ID}</AWSAccessKeyId><SignatureProvided>${signature}</SignatureProvided>` +
          `<CanonicalRequest>${method} ${url} ${sent.join(' ')}</CanonicalRequest></Error>`,
      );
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

const portOf = (server: TcpServer): number => (server.address() as AddressInfo).port;

/** Everything that a caller with `token` gets to see, whatever goes wrong. */
async function drive(gateway: GatewayProcess, token: string, fileUrl?: string): Promise<string> {
  const seen: string[] = [];
  const note = async (answer: Promise<Response>): Promise<void> => {
    const response = await answer;
    seen.push(JSON.stringify([response.status, [...response.headers]]), await response.text());
  };
  const headers = { authorization: `Bearer ${token}`, cookie: COOKIE, 'content-type': 'application/json' };
  const ask = (query: string, more: Record<string, string> = {}): Promise<void> =>
    note(fetch(`${gateway.url}/graphql`, { method: 'POST', headers: { ...headers, ...more }, body: JSON.stringify({ query }) }));
  await ask('{ orders(createdBy: "2025-07-24T15:00Z") { totalCount nodes { id } } }', { 'x-cache-debug': '1' });
  await ask(`{ order(id: "${BROKEN}") { id } file(path: "models/cold.stl") { size } auditLog { nodes { requestId } } }`);
  await ask('mutation { fileChanged(path: "models/cold.stl") { size } }');
  await ask(`mutation { updateOrderStatus(id: "${BROKEN}", status: CANCELLED) { id } }`);
  await ask('{ nonsense');
  await ask('{ orders(createdBy: "x") { totalCount } }');
  for (const bad of [`${token}x`, token.slice(0, -10), `${token}.${token}`])
    await ask('{ orders { totalCount } }', { authorization: `Bearer ${bad}` });
  await ask('{ orders { totalCount } }', { authorization: `Basic ${Buffer.from(`u:${token}`).toString('base64')}` });
  await note(fetch(`${gateway.url}/graphql?query={orders{totalCount}}&access_token=${token}`, { headers }));
  await note(fetch(`${gateway.url}/graphql`, { method: 'POST', headers, body: '{"query":' }));
  for (const path of ['cold', 'denied']) await note(gateway.get(`/files/models/${path}.stl`, { token }));
  await note(gateway.get(`/files/models/a.stl?signature=${token}&expires=1`));
  await note(gateway.get(`/nothing?token=${token}`, { token }));
  if (fileUrl !== undefined) {
    await note(fetch(fileUrl));
    await note(fetch(`${fileUrl}x`));
    await note(fetch(fileUrl.replace('a.stl', 'b.stl')));
  }
  seen.push(
    await sendRaw(
      gateway,
      `GET /graphql HTTP/1.1\r\nHost: x y\r\nAuthorization: Bearer ${token}\r\nCookie: ${COOKIE}\r\nConnection: close\r\n\r\n`,
    ),
  );
  seen.push(await sendRaw(gateway, `NONSENSE ${token}\r\n\r\n`));
  for (const given of [token, `${token}x`]) {
    const socket = byWs(gateway.url, given, { query: `{ order(id: "${BROKEN}") { id } }` });
    await socket.over().catch(() => undefined);
    seen.push(JSON.stringify([socket.told, String((socket.end?.error as { reason?: string } | undefined)?.reason)]));
    await socket.client.dispose();
  }
  for (const path of ['/metrics', '/readyz', '/healthz'])
    for (const given of [undefined, `${SECRETS.METRICS_SECRETS}x`, SECRETS.METRICS_SECRETS])
      await note(gateway.get(path, { token: given }));
  return seen.join('\n');
}

describeWith('postgres', 'redis')('no secret is said', () => {
  const folder = temporaryFolder();
  const all = secretsOf({ ...SECRETS });
  let redis: RedisServer;
  let token: string;
  let s3: Server;
  let postgres: TcpServer;
  const gateways: GatewayProcess[] = [];

  const start = async (env: Record<string, string>, untilReady = true): Promise<GatewayProcess> => {
    for (const [name, secret] of secretsOf(env)) all.set(name, secret);
    const gateway = await startGateway({ LOG_LEVEL: 'trace', MES_DATABASE_TIMEOUT_SECONDS: '2', ...env }, { untilReady });
    gateways.push(gateway);
    if (!untilReady)
      await until(
        'the gateway listens',
        () =>
          gateway.get('/healthz').then(
            ({ ok }) => ok,
            () => false,
          ),
        25_000,
      );
    return gateway;
  };
  const withPassword = (url: string, password: string): string => Object.assign(new URL(url), { password }).href;

  beforeAll(async () => {
    mkdirSync(join(folder, 'models'));
    writeFileSync(join(folder, 'models/a.stl'), 'solid a');
    [redis, s3, postgres] = await Promise.all([startRedis(), refusingS3(), refusingPostgres()]);
    await redis.cli('config', 'set', 'requirepass', REDIS_PASSWORD);
    token = await tokenFor({ role: 'operator' }, { secret: SECRETS.AUTH_JWT_SECRET });
    all.set('the signature of the token', token.split('.')[2]!).set('the cookie', COOKIE.slice(8));
  }, 120_000);

  afterAll(async () => {
    await Promise.all(gateways.map((gateway) => gateway.stop()));
    await redis.stop();
    s3.close();
    postgres.close();
    removeFolder(folder);
  });

  test('where everything works, and rows, requests and tokens are bad', async () => {
    const plant = await outboxPlant();
    await plant.query(
      `insert into orders select ('${BROKEN}')::uuid, 'N', 'NO SUCH STATUS', now(), now(), 1, 'p', 'c', 'x', 'm', 1, 1, 'EUR', null`,
    );
    const gateway = await start({
      ...SECRETS,
      MES_DATABASE_URL: withPassword(plant.url, DATABASE_PASSWORD),
      REDIS_URL: withPassword(redis.url, REDIS_PASSWORD),
      FILES_DIR: folder,
    });
    const { data } = await gateway.graphql<{ file: { url: string } }>('{ file(path: "models/a.stl") { url } }', {}, { token });
    const signature = new URL(data!.file.url).searchParams.get('signature') ?? '';
    expect(signature.length).toBeGreaterThan(20);
    all.set('the signature of a URL', signature);
    const seen = await drive(gateway, token, data!.file.url);
    expect(seen).toContain('mes_sql_statements_total');
    expect(seen).toContain('This needs a secret of the metrics');
    expect(leaksIn(seen, all)).toEqual([]);
    expect(leaksIn(gateway.output(), all)).toEqual([]);
    expect(gateway.output()).not.toMatch(/Bearer [\w-]{20}|"authorization"|"cookie"/i);
  });

  test('where the database, Redis and S3 refuse what they are given', async () => {
    const gateway = await start(
      {
        ...SECRETS,
        MES_DATABASE_URL: `postgres://mes:${encodeURIComponent(DATABASE_PASSWORD)}@127.0.0.1:${portOf(postgres)}/mes`,
        REDIS_URL: withPassword(redis.url, WRONG_PASSWORD),
        S3_BUCKET: 'parts',
        S3_ENDPOINT: `http://127.0.0.1:${portOf(s3)}`,
      },
      false,
    );
    const seen = await drive(gateway, token);
    const output = gateway.output();
    expect(output).toContain('password authentication failed');
    expect(output).toContain('store breaker');
    expect(output).toContain('The signature does not match');
    expect(leaksIn(seen, all)).toEqual([]);
    expect(leaksIn(output, all)).toEqual([]);
    expect(output).not.toMatch(/AWS4-HMAC|x-amz-security-token|SignatureProvided/i);
  });

  test('where the keys of tokens come from a URL with a password', async () => {
    const { AUTH_JWT_SECRET: _unused, ...others } = SECRETS;
    const gateway = await start(
      {
        ...others,
        AUTH_JWT_SECRET: '',
        AUTH_JWKS_URL: `http://idp:${encodeURIComponent(WRONG_PASSWORD)}@127.0.0.1:1/keys`,
        FILES_DIR: folder,
        MES_DATABASE_URL: 'postgres://mes@127.0.0.1:1/mes',
      },
      false,
    );
    const seen = await drive(gateway, token);
    expect(leaksIn(seen, all)).toEqual([]);
    expect(leaksIn(gateway.output(), all)).toEqual([]);
  });
});

describe('no secret is said', () => {
  test.each([
    ['MES_DATABASE_URL', `mysql://mes:${WRONG_PASSWORD}@h/mes`],
    ['MES_DATABASE_URL', `postgres//mes:${WRONG_PASSWORD}@h`],
    ['REDIS_URL', `http://:${WRONG_PASSWORD}@h`],
    ['AUTH_JWKS_URL', `ftp://idp:${WRONG_PASSWORD}@h/keys`],
    ['S3_ENDPOINT', `ftp://s3:${WRONG_PASSWORD}@h`],
    ['FILE_URL_SECRETS', `${WRONG_PASSWORD},x`],
    ['FILE_EVENTS_SECRETS', `${WRONG_PASSWORD},x`],
    ['METRICS_SECRETS', `${WRONG_PASSWORD},x`],
    ['CORS_ORIGINS', `https://u:${WRONG_PASSWORD}@portal.example.com`],
    ['PUBLIC_URL', `ftp://u:${WRONG_PASSWORD}@portal.example.com`],
  ])('where %s is wrong', async (name, value) => {
    const gateway = await startGateway({ [name]: value }, { untilReady: false });
    await until('the end of the gateway', () => !gateway.isRunning());
    expect(await gateway.stop()).toBe(1);
    expect(gateway.output()).toContain(`${name}: expected`);
    expect(leaksIn(gateway.output(), new Map([[name, WRONG_PASSWORD]]))).toEqual([]);
  });
});
