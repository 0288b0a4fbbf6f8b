import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startGateway, type GatewayProcess } from './support/gateway.js';
import { sendRaw } from './support/gateway-requests.js';
import { freshPlant } from './support/plant.js';
import { tokenFor } from './support/tokens.js';
import { describeWith } from './support/servers/shared.js';
import { removeFolder, temporaryFolder } from './support/servers/temporary.js';

/** Ways to write `../../etc/passwd`, and other places outside, into a request target. */
const ATTACKS = [
  '/files/../../etc/passwd',
  '/files/../../../../../../etc/passwd',
  '/files/%2e%2e/%2e%2e/etc/passwd',
  '/files/%2e%2e%2f%2e%2e%2fetc%2fpasswd',
  '/files/%2E%2E%2F%2E%2E%2Fetc%2Fpasswd',
  '/files/..%2f..%2fetc/passwd',
  '/files/..%5c..%5cetc%5cpasswd',
  '/files/..\\..\\etc\\passwd',
  '/files/%252e%252e%252f%252e%252e%252fetc%252fpasswd',
  '/files/%c0%ae%c0%ae/%c0%ae%c0%ae/etc/passwd',
  '/files/%c0%ae%c0%ae%c0%af%c0%ae%c0%ae%c0%afetc/passwd',
  '/files/%e0%80%ae%e0%80%ae/etc/passwd',
  '/files/%uff0e%uff0e/etc/passwd',
  '/files/%ef%bc%8e%ef%bc%8e/etc/passwd',
  '/files/....//....//etc/passwd',
  '/files/..;/..;/etc/passwd',
  '/files/models/../../../etc/passwd',
  '/files/./../../etc/passwd',
  '/files//etc/passwd',
  '/files/%2fetc%2fpasswd',
  '/files///../../etc/passwd',
  '/files/..%00/..%00/etc/passwd',
  '/files/ring.stl%00/../../../etc/passwd',
  '/files/..\u00af..\u00afetc/passwd',
  'http://127.0.0.1/files/../../etc/passwd',
  'http://127.0.0.1/files/%2e%2e%2f%2e%2e%2fetc%2fpasswd',
  '/files/file:///etc/passwd',
  '/files/%2e%2e%2fsecret.txt',
  '/files/../secret.txt',
  '/%2e%2e/%2e%2e/etc/passwd',
  '/../../etc/passwd',
];

describeWith('postgres')('no path leads out of the store', () => {
  const outer = temporaryFolder();
  let gateway: GatewayProcess;
  let token: string;

  beforeAll(async () => {
    writeFileSync(join(outer, 'secret.txt'), 'root: not for anyone');
    const root = join(outer, 'files');
    mkdirSync(root);
    writeFileSync(join(root, 'ring.stl'), 'solid');
    gateway = await startGateway({ MES_DATABASE_URL: (await freshPlant()).url, FILES_DIR: root });
    token = await tokenFor({ role: 'operator' });
  });

  afterAll(async () => {
    await gateway.stop();
    removeFolder(outer);
  });

  const request = (target: string, authorization: string): Promise<string> =>
    sendRaw(gateway, `GET ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n${authorization}\r\n`);

  test('the way of asking works for a file that is there', async () => {
    expect(await request('/files/ring.stl', `Authorization: Bearer ${token}\r\n`)).toMatch(/^HTTP\/1\.1 200 .*solid$/s);
  });

  test.each(ATTACKS)('%s', async (target) => {
    for (const authorization of [`Authorization: Bearer ${token}\r\n`, '']) {
      const answer = await request(target, authorization);
      expect(answer).toMatch(/^HTTP\/1\.1 (400|401|404) /);
      expect(answer).not.toMatch(/root:/);
      // A target that is no HTTP is refused before there is a request; the JSON is Node's and Fastify's then.
      const isHttp = /^[\x21-\x7e]*$/.test(target);
      if (isHttp)
        expect(answer).toMatch(/\{"error":\{"code":"(BAD_USER_INPUT|UNAUTHENTICATED|NOT_FOUND)","message":".{10,}"\}\}$/s);
    }
    expect(gateway.isRunning()).toBe(true);
  });
});
