import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { startGateway } from './support/gateway.js';
import { freshPlant, type Plant } from './support/plant.js';
import { until } from './support/race.js';
import { describeWith } from './support/servers/shared.js';

/** Starts a gateway that must refuse to run; gives its exit code and what it printed. */
async function refusal(env: Record<string, string>): Promise<{ code: number | null; output: string }> {
  const gateway = await startGateway(env, { untilReady: false });
  await until('the end of a gateway that cannot start', () => !gateway.isRunning());
  const code = await gateway.stop();
  return { code, output: gateway.output() };
}

const SECRET_PARTS = { MES_DATABASE_URL: 'mysql://mes:pa55word@db/mes', REDIS_URL: 'http://:r3dis@cache' };

describe('a wrong environment', () => {
  test('is answered with a line for each wrong variable, and no secret', async () => {
    const { code, output } = await refusal({
      ...SECRET_PARTS,
      PORT: '70000',
      LOG_LEVEL: 'loud',
      ORDER_WINDOW_LEVELS: '15,40',
      PLANT_TIME_ZONE: 'Mars/Olympus',
      ORDER_TTL_SECONDS: '-1',
      CORS_ORIGINS: 'portal',
      S3_FORCE_PATH_STYLE: 'perhaps',
      FILE_URL_SECRETS: 'sh0rt',
    });
    expect(code).toBe(1);
    const lines = output.split('\n');
    for (const [name, expected] of [
      ['PORT', 'a whole number from 0 to 65535, but got "70000"'],
      ['LOG_LEVEL', 'one of fatal, error, warn'],
      ['ORDER_WINDOW_LEVELS', '15,30,60'],
      ['PLANT_TIME_ZONE', 'an IANA time zone'],
      ['ORDER_TTL_SECONDS', 'a whole number from 1 to 86400, but got "-1"'],
      ['CORS_ORIGINS', 'origins'],
      ['S3_FORCE_PATH_STYLE', 'true or false'],
      ['MES_DATABASE_URL', 'postgres://'],
      ['REDIS_URL', 'redis://'],
      ['FILE_URL_SECRETS', '16 characters'],
    ] as const) {
      const line = lines.find((each) => each.startsWith(`${name}: `));
      expect(line).toContain(expected);
    }
    expect(output).not.toMatch(/pa55word|r3dis|sh0rt|\n\s+at /);
  });

  test.each([
    {
      what: 'another address than loopback without authentication',
      env: { HOST: '0.0.0.0', AUTH_JWT_SECRET: '' },
      names: 'HOST',
    },
    { what: 'two ways to check tokens', env: { AUTH_JWKS_URL: 'https://id.example.com/keys' }, names: 'AUTH_JWKS_URL' },
    { what: 'two file stores', env: { S3_BUCKET: 'parts', FILES_DIR: '/srv/parts' }, names: 'FILES_DIR' },
    { what: 'an S3 server without a bucket', env: { S3_ENDPOINT: 'http://s3.example.com' }, names: 'S3_BUCKET' },
  ])('$what is refused, naming $names', async ({ env, names }) => {
    const { code, output } = await refusal(env);
    expect(code).toBe(1);
    expect(output).toMatch(new RegExp(`^${names}: expected .+`, 'm'));
  });
});

describeWith('postgres')('with a database', () => {
  let plant: Plant;
  beforeAll(async () => {
    plant = await freshPlant();
  });

  test('a port in use is named, and the process ends', async () => {
    const squatter = createServer().listen(0, '127.0.0.1');
    await once(squatter, 'listening');
    const { port } = squatter.address() as AddressInfo;
    const { code, output } = await refusal({ MES_DATABASE_URL: plant.url, PORT: String(port) });
    squatter.close();
    expect(code).toBe(1);
    expect(output).toMatch(new RegExp(`^PORT: ${port} on 127.0.0.1 is in use`, 'm'));
    expect(output).not.toMatch(/\n\s+at /);
  });

  test('an address that this machine has not is named', async () => {
    const { code, output } = await refusal({ MES_DATABASE_URL: plant.url, HOST: '192.0.2.1' });
    expect(code).toBe(1);
    expect(output).toMatch(/^HOST, PORT: cannot listen on 192\.0\.2\.1:\d+ \(EADDRNOTAVAIL\)/m);
  });

  test.each([
    {
      what: 'lacks columns',
      sql: 'alter table orders drop version, drop file_path',
      says: [/"version" is missing/, /"file_path"/],
    },
    {
      what: 'has a column of another type',
      sql: 'alter table orders alter created_at type timestamp',
      says: [/"created_at" must be/],
    },
    {
      what: 'does not exist',
      sql: 'alter table orders rename to bestellungen',
      says: [/table or view "orders".*npm run migrate/],
    },
  ])('a table "orders" that $what is refused, saying so', async ({ sql, says }) => {
    const foreign = await freshPlant();
    await foreign.query(sql);
    const { code, output } = await refusal({ MES_DATABASE_URL: foreign.url });
    expect(code).toBe(1);
    for (const message of says) expect(output).toMatch(new RegExp(`^MES_DATABASE_URL: .*${message.source}`, 'm'));
    expect(output).not.toMatch(/\n\s+at /);
  });
});
