import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureBuilt, ROOT } from './support/gateway-build.js';
import { post } from './support/gateway-requests.js';
import { outboxPlant } from './support/feed.js';
import { until } from './support/race.js';
import { freePort } from './support/servers/ports.js';
import { describeWith } from './support/servers/shared.js';
import { temporaryFolder } from './support/servers/temporary.js';
import { TEST_SECRET, tokenFor } from './support/tokens.js';

const SECRET = { ...process.env, AUTH_JWT_SECRET: TEST_SECRET };
const works = (command: string, ...args: string[]): boolean => spawnSync(command, args, { stdio: 'ignore' }).status === 0;
const testIf = (possible: boolean) => (possible ? test : test.skip);

const dockerfile = readFileSync('Dockerfile', 'utf8');
const compose = readFileSync('docker-compose.yml', 'utf8');

describe('the image', () => {
  const run = dockerfile.slice(dockerfile.lastIndexOf('\nFROM '));

  test('is run by an ordinary user, says whether it is well, and has no development packages', () => {
    expect(run).toMatch(/^USER (?!root\b|0\b)\w+$/m);
    expect(run).toMatch(/^HEALTHCHECK .*\\\n +CMD .*\/readyz/m);
    expect(run).toContain('npm ci --omit=dev --omit=optional --ignore-scripts');
    expect(run.lastIndexOf('\nUSER')).toBeGreaterThan(run.lastIndexOf('\nCOPY'));
  });

  test('in the compose file has a read-only root, no capabilities and gains no privileges', () => {
    const gateway = compose.slice(compose.indexOf('x-gateway'), compose.indexOf('\nservices:'));
    for (const line of ['read_only: true', 'cap_drop: [ALL]', "security_opt: ['no-new-privileges:true']", 'tmpfs: [/tmp]']) {
      expect(gateway).toContain(`\n  ${line}\n`);
    }
  });

  testIf(works('docker-compose', 'version'))('the compose file is valid', () => {
    const { status, stderr } = spawnSync('docker-compose', ['config', '--quiet'], { env: SECRET, encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });
});

/** Everything read-only but one folder, an ordinary user without capabilities, as the compose file has it. */
const SANDBOX = `set -e
mount --make-rprivate /
mount -t tmpfs tmpfs "$DATA_DIR" && chown 65534:65534 "$DATA_DIR"
mount --bind / / && mount -o remount,ro,bind /
if touch "$PROBE" 2>/dev/null; then echo the root can be written >&2; exit 9; fi
cd "$GATEWAY"
exec setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs --bounding-set=-all -- "$NODE" dist/main.js`;

describeWith('postgres')('on a read-only root file system', () => {
  let gateway: ChildProcess | undefined;
  beforeAll(() => ensureBuilt(), 300_000);
  afterEach(() => gateway?.kill('SIGKILL'));

  testIf(works('unshare', '-m', 'true') && works('setpriv', '--version'))(
    'the gateway reads, changes and ends as an ordinary user',
    async () => {
      const [plant, port, folder] = [await outboxPlant(), await freePort(), temporaryFolder()];
      const [order] = await plant.insert({});
      const printed: string[] = [];
      gateway = spawn('unshare', ['-m', 'sh', '-c', SANDBOX], {
        env: {
          PATH: process.env['PATH'],
          NODE: process.execPath,
          GATEWAY: ROOT,
          PROBE: join(ROOT, '.probe'),
          DATA_DIR: folder,
          FILES_DIR: join(ROOT, 'schema'),
          PORT: String(port),
          MES_DATABASE_URL: plant.url,
          AUTH_JWT_SECRET: TEST_SECRET,
        },
      });
      gateway.stdout?.on('data', (chunk) => printed.push(String(chunk)));
      gateway.stderr?.on('data', (chunk) => printed.push(String(chunk)));
      const url = `http://127.0.0.1:${port}`;
      const isReady = () =>
        fetch(`${url}/readyz`).then(
          ({ ok }) => ok,
          () => false,
        );
      await until('readiness', isReady, 25_000).catch(() => expect(printed.join('')).toBe('ready'));
      const token = await tokenFor({ role: 'operator' });
      const changed = await post(
        `${url}/graphql`,
        { query: `mutation { updateOrderStatus(id: "${order!.id}", status: PACKAGING) { version } }` },
        { token },
      );
      expect(changed.data).toEqual({ updateOrderStatus: { version: 2 } });
      const file = await fetch(`${url}/files/query.graphql`, { headers: { authorization: `Bearer ${token}` } });
      expect(await file.text()).toContain('type Query');
      expect(readFileSync(`/proc/${gateway.pid}/status`, 'utf8')).toMatch(/^Uid:\t65534\t/m);
      expect(readFileSync(`/proc/${gateway.pid}/status`, 'utf8')).toMatch(/^CapEff:\t0+$/m);
      gateway.kill('SIGTERM');
      expect(await once(gateway, 'exit')).toEqual([0, null]);
      expect(printed.join('')).not.toMatch(/EROFS|EACCES|EPERM/);
    },
  );
});
