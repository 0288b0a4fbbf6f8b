import { ConfigError, loadConfig } from '../src/config.js';

type Env = Record<string, string>;

/** The lines of the message that `env` is refused with; each begins with the name of a variable. */
function problemsOf(env: Env): string[] {
  try {
    loadConfig(env);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as Error).message.split('\n');
  }
  return [];
}

const WHOLE = 'expected a whole number from';
const PASSWORD = 'hunter2';

describe('a wrong setting', () => {
  test.each([
    ['PORT', '65536', `${WHOLE} 0 to 65535, but got "65536"`],
    ['PORT', '-1', WHOLE],
    ['PORT', '4000.5', WHOLE],
    ['PORT', '1e3', WHOLE],
    ['PORT', 'http', `${WHOLE} 0 to 65535, but got "http"`],
    ['PUBLIC_URL', 'portal.example.com', 'expected a URL that starts with http:// or https://'],
    ['PUBLIC_URL', 'https://portal.example.com/mes?tenant=1', 'expected a URL without user, query and fragment'],
    ['PUBLIC_URL', 'https://portal.example.com/#', 'expected a URL without user, query and fragment'],
    ['PUBLIC_URL', `https://user:${PASSWORD}@portal.example.com`, 'expected a URL without user, query and fragment'],
    ['PUBLIC_URL', 'ftp://portal.example.com', 'expected a URL'],
    ['TRUST_PROXY', '1', 'expected true, false, or addresses and networks with commas'],
    ['TRUST_PROXY', 'maybe', 'expected true, false, or addresses and networks with commas'],
    ['CONNECTIONS_MAX', '0', `${WHOLE} 1 to 1000000`],
    ['RATE_LIMIT_PARTNER', 'much', WHOLE],
    ['CORS_ORIGINS', '*', 'expected origins with commas, such as https://portal.example.com, but got "*"'],
    ['CORS_ORIGINS', 'https://a.example,https://b.example/', 'but got "https://b.example/"'],
    ['REQUEST_MAX_BYTES', '1', `${WHOLE} 1024 to`],
    ['SHUTDOWN_TIMEOUT_SECONDS', '0', `${WHOLE} 1 to 600`],
    ['LOG_LEVEL', 'loud', 'expected one of fatal, error, warn, info, debug, trace, silent, but got "loud"'],
    ['DEMO_SIMULATOR', '2', 'expected true or false'],
    ['AUTH_JWKS_URL', 'idp.example.com/jwks', 'expected a URL'],
    ['MES_DATABASE_URL', 'mysql://mes/orders', 'expected a URL that starts with postgres:// or postgresql://'],
    ['MES_DATABASE_URL', 'postgres:mes/orders', 'expected a URL that starts with postgres:// or postgresql://'],
    ['MES_DATABASE_POOL_MAX', '0', `${WHOLE} 1 to 500`],
    ['MES_DATABASE_TIMEOUT_SECONDS', 'ten', WHOLE],
    ['CHANGE_FEED', 'kafka', 'but got "kafka"'],
    ['PLANT_TIME_ZONE', 'Berlin', 'expected an IANA time zone, such as UTC or Europe/Berlin, but got "Berlin"'],
    ['ORDER_WINDOW_LEVELS', '30,15', 'expected ascending minutes with commas'],
    ['ORDER_WINDOW_LEVELS', '15,15', 'each dividing the next'],
    ['ORDER_WINDOW_LEVELS', '20,30', 'each dividing the next'],
    ['ORDER_WINDOW_LEVELS', '7', 'all dividing a day, such as 15,30,60, but got "7"'],
    ['ORDER_WINDOW_LEVELS', '0', 'expected ascending minutes'],
    ['ORDER_WINDOW_LEVELS', ',', 'expected ascending minutes'],
    ['ORDER_WINDOW_LEVELS', '2880', '2880 does not divide a day of 1440 minutes'],
    ['ORDER_WINDOW_LEVELS', '15,40', 'but got "15,40": 15 does not divide 40'],
    ['ORDER_WINDOW_LEVELS', '60,30', 'but got "60,30": 30 stands after 60'],
    ['ORDER_WINDOW_LEVELS', '15,x', 'but got "15,x": each must be a whole number from 1'],
    ['ORDER_WINDOW_LEVELS', '0x10', 'but got "0x10": each must be a whole number from 1'],
    ['ORDER_WINDOW_LEVELS', '15,1e2', 'but got "15,1e2": each must be a whole number from 1'],
    ['ORDER_WINDOW_POLICY', 'best', 'expected adaptive, or fixed: with a level in minutes, such as fixed:60, but got "best"'],
    ['ORDER_WINDOW_POLICY', 'fixed:', 'such as fixed:60, but got "fixed:"'],
    ['ORDER_WINDOW_POLICY', 'fixed:20', 'expected fixed: with one of ORDER_WINDOW_LEVELS (15,30,60), but got "fixed:20"'],
    ['ORDER_TILE_MAX_ROWS', '0', `${WHOLE} 1 to 500000`],
    ['ORDER_TTL_SECONDS', '0', `${WHOLE} 1 to 86400`],
    ['ORDER_FRESH_TTL_SECONDS', '1.5', `${WHOLE} 1 to 3600`],
    ['REDIS_URL', 'redis.example.com:6379', 'expected one URL, or for a Redis Cluster several with commas'],
    ['REDIS_URL', 'redis:localhost:6379', 'that start with redis:// or rediss://'],
    ['REDIS_URL', 'redis://a:6379,b:6379', 'that start with redis:// or rediss://'],
    ['REDIS_URL', ',', 'expected one URL'],
    ['STORE_DEADLINE_MS', '9', `${WHOLE} 10 to 10000`],
    ['MEMORY_CACHE_MAX_BYTES', '128MB', WHOLE],
    ['S3_ENDPOINT', 's3.example.com', 'expected a URL'],
    ['S3_FORCE_PATH_STYLE', 'path', 'expected true or false'],
    ['FILE_INLINE_MAX_BYTES', '8388609', `${WHOLE} 0 to 8388608`],
    ['FILE_TTL_SECONDS', '0', WHOLE],
    ['FILE_URL_SECRETS', 'a'.repeat(15), 'each of 16 characters or more'],
    ['FILE_URL_SECRETS', ['a', 'b', 'c'].map((one) => one.repeat(16)).join(), 'expected one or two secrets'],
  ])('%s=%s is named, with what was expected', (name, value, expectation) => {
    const problems = problemsOf({ [name]: value });
    expect(problems).toEqual([expect.stringContaining(expectation)]);
    expect(problems[0]!.startsWith(`${name}: `)).toBe(true);
  });

  test('does not hide another one', () => {
    const problems = problemsOf({ PORT: 'x', LOG_LEVEL: 'loud', REDIS_URL: 'x' });
    expect(problems.map((problem) => problem.split(':')[0])).toEqual(['PORT', 'LOG_LEVEL', 'REDIS_URL']);
  });

  test.each([
    ['MES_DATABASE_URL', `mysql://mes:${PASSWORD}@db/orders`],
    ['MES_DATABASE_URL', `host=db password=${PASSWORD}`],
    ['REDIS_URL', `https://:${PASSWORD}@redis:6379`],
    ['REDIS_URL', `redis://:${PASSWORD}@a:6379,:${PASSWORD}@b:6379`],
    ['AUTH_JWKS_URL', `ldap://u:${PASSWORD}@idp/jwks`],
    ['PUBLIC_URL', `ws://u:${PASSWORD}@portal`],
    ['S3_ENDPOINT', `s3://u:${PASSWORD}@store`],
    ['FILE_URL_SECRETS', PASSWORD],
  ])('%s is not repeated: it may hold a password', (name, value) => {
    const [problem, ...more] = problemsOf({ [name]: value });
    expect(problem).toMatch(new RegExp(`^${name}: expected`));
    expect(more).toEqual([]);
    expect(problem).not.toContain(PASSWORD);
  });
});

describe('settings that contradict each other', () => {
  const secret = 's3cret-of-32-characters-or-more!!';
  test.each([
    [{ AUTH_JWT_SECRET: secret, AUTH_JWKS_URL: 'https://idp.example.com/jwks' }, 'AUTH_JWKS_URL: expected to be absent'],
    [{ S3_BUCKET: 'models', FILES_DIR: '/srv/models' }, 'FILES_DIR: expected to be absent'],
    [{ S3_ENDPOINT: 'https://s3.example.com' }, 'S3_BUCKET: expected the name of a bucket, because S3_ENDPOINT is set'],
    [{ HOST: '0.0.0.0' }, 'HOST: expected a loopback address (127.0.0.1, ::1, localhost) because no authentication'],
    [{ HOST: '0.0.0.0', AUTH_ISSUER: 'https://idp.example.com' }, 'HOST: expected a loopback address'],
    [{ HOST: '0.0.0.0', AUTH_JWT_SECRET: '  ' }, 'HOST: expected a loopback address'],
  ])('%j', (env: Env, expectation) => {
    const problems = problemsOf(env);
    expect(problems).toEqual([expect.stringContaining(expectation)]);
    expect(problems[0]).not.toContain(secret);
  });

  test.each([
    '::',
    '192.168.0.7',
    '127.0.0.1.example.com',
    '128.0.0.1',
    'example.com',
    '[::]',
    'localhost.example.com',
    '1127.0.0.1',
  ])('without authentication the address %s is refused', (HOST) =>
    expect(problemsOf({ HOST })).toEqual([expect.stringContaining(`but got "${HOST}"`)]),
  );

  test.each(['AUTH_ISSUER', 'AUTH_AUDIENCE'])('without authentication %s is not silently ignored', (name) => {
    expect(problemsOf({ [name]: 'idp' })).toEqual([expect.stringMatching(`^${name}: expected AUTH_JWT_SECRET or AUTH_JWKS_URL`)]);
    expect(loadConfig({ [name]: 'idp', AUTH_JWT_SECRET: secret }).auth.mode).toBe('secret');
  });

  test.each(['127.0.0.1', '127.8.8.8', '::1', 'localhost'])('without authentication %s will do', (HOST) => {
    expect(loadConfig({ HOST })).toMatchObject({ http: { host: HOST }, auth: { mode: 'demo' } });
  });

  test.each([{ AUTH_JWT_SECRET: secret }, { AUTH_JWKS_URL: 'https://idp.example.com/jwks' }])(
    'with %j any address will do',
    (env: Env) => expect(loadConfig({ ...env, HOST: '0.0.0.0' }).http.host).toBe('0.0.0.0'),
  );
});

describe('a configuration', () => {
  const DEFAULTS = {
    http: {
      host: '127.0.0.1',
      port: 4000,
      trustProxy: false,
      corsOrigins: [],
      maxRequest: 1_048_576,
      shutdownTimeout: 20_000,
    },
    logLevel: 'info',
    dataDir: '.data',
    simulator: true,
    auth: { mode: 'demo', clockTolerance: 5_000, operatorsReadOnly: false },
    database: { poolMax: 10, timeout: 10_000 },
    orders: {
      timeZone: 'UTC',
      levels: [15, 30, 60],
      windowPolicy: { kind: 'adaptive' },
      tileMaxRows: 10_000,
      ttl: 60_000,
      freshTtl: 2_000,
    },
    store: { deadline: 150, maxMemory: 134_217_728 },
    files: { source: { kind: 'samples' }, inlineMax: 262_144, ttl: 60_000 },
  };

  test('of nothing is the demo', () => expect(loadConfig({})).toMatchObject(DEFAULTS));

  test('takes an empty or blank value for absent, and ignores what it does not know', () => {
    const blank = { PORT: '', HOST: ' ', REDIS_URL: '', MES_DATABASE_URL: '\t', CORS_ORIGINS: '', PATH: '/bin', FOO: 'bar' };
    expect(loadConfig(blank)).toEqual(loadConfig({}));
  });

  test('holds what the environment says', () => {
    const config = loadConfig({
      PORT: '0',
      PUBLIC_URL: 'https://mes.example.com//',
      TRUST_PROXY: 'YES',
      CORS_ORIGINS: 'https://a.example, http://b.example:8080,',
      AUTH_JWKS_URL: 'https://idp.example.com/jwks',
      AUTH_ISSUER: 'idp',
      AUTH_AUDIENCE: 'mes',
      MES_DATABASE_URL: 'postgresql://mes:pw@db/orders',
      PLANT_TIME_ZONE: 'Europe/Berlin',
      ORDER_WINDOW_LEVELS: '5, 60 ,1440',
      ORDER_WINDOW_POLICY: 'fixed:1440',
      REDIS_URL: 'redis://a:6379, rediss://b:6379',
      S3_BUCKET: 'models',
      S3_FORCE_PATH_STYLE: '1',
      FILE_URL_SECRETS: `${'a'.repeat(16)},${'b'.repeat(16)}`,
    });
    expect(config).toMatchObject({
      http: {
        port: 0,
        publicUrl: 'https://mes.example.com',
        trustProxy: true,
        corsOrigins: ['https://a.example', 'http://b.example:8080'],
      },
      auth: { mode: 'jwks', url: 'https://idp.example.com/jwks', issuer: 'idp', audience: 'mes' },
      database: { url: 'postgresql://mes:pw@db/orders' },
      orders: { timeZone: 'Europe/Berlin', levels: [5, 60, 1440], windowPolicy: { kind: 'fixed', level: 1440 } },
      store: { urls: ['redis://a:6379', 'rediss://b:6379'] },
      files: { source: { kind: 's3', bucket: 'models', forcePathStyle: true }, urlSecrets: ['a'.repeat(16), 'b'.repeat(16)] },
    });
  });

  test('is frozen to the ground', () => {
    const isFrozen = (value: unknown): boolean =>
      typeof value !== 'object' || value === null || (Object.isFrozen(value) && Object.values(value).every(isFrozen));
    expect(isFrozen(loadConfig({}))).toBe(true);
    // Defaults are shared by all that are loaded.
    expect(loadConfig({})).toEqual(loadConfig({}));
  });
});
