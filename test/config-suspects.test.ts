import fc from 'fast-check';
import { environment } from '../src/config-environment.js';
import { suspects } from '../src/config-suspects.js';
import { startGateway } from './support/gateway.js';
import { freshPlant } from './support/plant.js';
import { describeWith } from './support/servers/shared.js';

const KNOWN = Object.keys(environment.shape);

describe('unknown variables', () => {
  test.each([
    ['FILE_CACHE_MAXBYTES', ['FILE_CACHE_MAX_BYTES']],
    ['REDIS_URI', ['REDIS_URL']],
    ['redis_url', ['REDIS_URL']],
    ['AUTH_JWT_SECRETS', ['AUTH_JWT_SECRET']],
    ['SANDBX', ['SANDBOX']],
    ['TRUSTED_OPERATIONS', []],
    ['RATE_LIMIT_VIEWERS', KNOWN.filter((name) => name.startsWith('RATE_LIMIT_'))],
    ['CHANGE_FEED_INTERVAL', ['CHANGE_FEED_GROUP', 'CHANGE_FEED_POLL_MS']],
  ])('%s: %j may have been meant', (name, meant) => {
    expect(suspects(['PATH', name])).toEqual(meant.length > 0 ? [{ name, meant }] : []);
  });

  test('of others nothing is said', () => {
    const common =
      'HOME HOSTNAME HOSTTYPE HOSTS LOGNAME MAIL PATH PWD OLDPWD SHLVL SHELL TERM TZ USER _ EDITOR PAGER DISPLAY COLUMNS LINES ' +
      'NODE_ENV NODE_OPTIONS NODE_PATH NODE_VERSION NVM_DIR INIT_CWD npm_config_registry npm_lifecycle_event npm_package_name ' +
      'HTTP_PROXY HTTPS_PROXY NO_PROXY http_proxy CI DEBUG LOG_FORMAT LOG_FILE LOG_DIR DATA_HOME XDG_DATA_DIRS JAVA_HOME ' +
      'AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_DEFAULT_REGION AWS_PROFILE AWS_ROLE_ARN AWS_WEB_IDENTITY_TOKEN_FILE ' +
      'AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED AWS_ENDPOINT_URL AWS_ENDPOINT_URL_S3 S3_ACCESS_KEY S3_SECRET_KEY S3_PREFIX ' +
      'REDIS_HOST REDIS_PASSWORD REDIS_DB REDIS_TLS REDIS_VERSION DATABASE_URL POSTGRES_USER POSTGRES_PASSWORD PGHOST PGPASSWORD ' +
      'AUTH_TOKEN AUTH_URL FILE_NAME FILES_ROOT ORDER_SERVICE_URL PUBLIC_PATH OTEL_SERVICE_NAME OTEL_EXPORTER_OTLP_ENDPOINT ' +
      'KUBERNETES_SERVICE_HOST KUBERNETES_PORT_443_TCP_ADDR POD_NAME POD_IP DOCKER_HOST CONTAINER_NAME GOPATH LANG LC_ALL SSH_AUTH_SOCK';
    expect(suspects([...common.split(' '), ...KNOWN])).toEqual([]);
  });

  test.each(['REDIS', 'PORT', 'HOST', 'FILE_CACHE', 'FILES', 'MES_DATABASE', 'RATE_LIMIT', 'CHANGE_FEED', 'AUTH', 'S3', 'AUDIT'])(
    'of a neighbour called %s nothing is said',
    (service) => {
      const suffixes = [
        ...['SERVICE_HOST', 'SERVICE_PORT', 'SERVICE_PORT_HTTP', 'PORT', 'PORT_6379_TCP', 'PORT_6379_TCP_PROTO'],
        ...['PORT_6379_TCP_PORT', 'PORT_6379_TCP_ADDR', 'NAME', 'ENV_PATH'],
      ];
      expect(suspects(suffixes.map((suffix) => `${service}_${suffix}`))).toEqual([]);
    },
  );

  test('one slip of the pen in a longer name is found', () => {
    const slip = fc.tuple(
      fc.constantFrom(...KNOWN.filter((name) => name.length >= 9)),
      fc.nat(),
      fc.constantFrom('left out', 'wrong', 'swapped', 'doubled'),
    );
    fc.assert(
      fc.property(slip, ([known, at, kind]) => {
        const index = at % (known.length - 1);
        const [before, letter, rest] = [known.slice(0, index), known.charAt(index), known.slice(index + 1)];
        const slips = {
          'left out': before + rest,
          wrong: `${before}X${rest}`,
          swapped: before + rest.charAt(0) + letter + rest.slice(1),
          doubled: before + letter + letter + rest,
        };
        const written = slips[kind];
        if (KNOWN.includes(written)) return;
        expect(suspects([written])).toEqual([{ name: written, meant: expect.arrayContaining([known]) }]);
      }),
    );
  });
});

describeWith('postgres')('a gateway', () => {
  test('warns once at start of what it does not read, and tells no value', async () => {
    const { url } = await freshPlant();
    const misspelt = { FILE_CACHE_MAXBYTES: 'unr3ad', RATE_LIMIT_VIEWERS: 'unr3ad' };
    const gateway = await startGateway({ MES_DATABASE_URL: url, ...misspelt });
    await gateway.stop();
    const warnings = gateway.output().match(/^.*unknown variables.*$/gm);
    expect(warnings).toHaveLength(1);
    expect(JSON.parse(warnings?.[0] ?? '{}')).toMatchObject({
      level: 40,
      msg: expect.stringMatching(
        /^unknown variables are ignored: FILE_CACHE_MAXBYTES \(did you mean FILE_CACHE_MAX_BYTES\?\), RATE_LIMIT_VIEWERS \(did you mean RATE_LIMIT_OPERATOR or /,
      ),
    });
    expect(gateway.output()).not.toContain('unr3ad');
  });
});
