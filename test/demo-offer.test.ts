import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildManifest } from '../scripts/manifest/build.js';
import { openAdmission } from '../src/compose/admission.js';
import { demoOffer } from '../src/compose/demo-offer.js';
import { loadConfig } from '../src/config.js';
import { exampleOperations } from '../src/graphql/examples.js';
import { welcome } from '../src/welcome.js';
import { ROOT } from './support/gateway-build.js';
import { startGateway, type GatewayProcess } from './support/gateway.js';
import { until } from './support/race.js';
import { removeFolder, temporaryFolder } from './support/servers/temporary.js';

const folder = temporaryFolder();
const DEMO = { AUTH_JWT_SECRET: '', FILES_DIR: '', DATA_DIR: join(folder, 'data'), DEMO_SIMULATOR: 'false' };
afterAll(() => removeFolder(folder));

/** A manifest of one operation of the dashboard. */
function trusting(name: string) {
  const files = ['order-fields', name].map((each) => ({
    name: each,
    text: readFileSync(join(ROOT, `operations/dashboard/${each}.graphql`), 'utf8'),
  }));
  const manifest = join(folder, `${name}.json`);
  writeFileSync(manifest, JSON.stringify(buildManifest(files, { typenames: false, check: () => undefined })));
  return { TRUSTED_OPERATIONS_FILE: manifest };
}

/** What a gateway prints for people: the text between its lines of log. */
function bannerOf(gateway: GatewayProcess): string {
  return gateway
    .output()
    .split('\n')
    .filter((line) => !line.startsWith('{'))
    .join('\n');
}

/** Sends what the banner says to send, one request for each `curl`. */
function answersOf(banner: string): Promise<{ status: number; text: string }[]> {
  const commands = banner.split('curl -s ').slice(1);
  return Promise.all(
    commands.map(async (command) => {
      const [, url = ''] = /^(\S+)/.exec(command) ?? [];
      const headers = [...command.matchAll(/-H '([\w-]+): ([^']+)'/g)].map(([, name = '', value = '']) => [name, value] as const);
      const [, body] = /-d '([^']+)'/.exec(command) ?? [];
      const response = await fetch(url, { headers: headers.map(([...pair]) => pair), ...(body && { method: 'POST', body }) });
      return { status: response.status, text: await response.text() };
    }),
  );
}

async function offered(env: Record<string, string>) {
  const gateway = await startGateway({ ...DEMO, ...env });
  try {
    await until('what can be tried', () => gateway.output().includes('Stop with Ctrl-C'));
    const banner = bannerOf(gateway);
    const page = await gateway.get('/graphql', { headers: { accept: 'text/html' } });
    return { banner, answers: await answersOf(banner), page: await page.text() };
  } finally {
    await gateway.stop();
  }
}

describe('what a demo offers at its start works', () => {
  test('with the default settings: the page, a query, and a file that is not for partner A', async () => {
    const { banner, answers, page } = await offered({});
    expect(banner).toMatch(/\/graphql {3}ready operations and tokens, in Sandbox/);
    expect(answers).toEqual([
      { status: 200, text: expect.stringContaining('"totalCount"') },
      { status: 404, text: expect.stringContaining('NOT_FOUND') },
    ]);
    expect(answers[0]?.text).not.toContain('"errors"');
    expect(page).toContain('"A file of partner B alone"');
    const [, path = ''] = /curl -s \S+(\/files\/\S+)/.exec(banner) ?? [];
    expect(path).toBe('/files/models/housing-60.stl');
  }, 60_000);

  test('where only a manifest counts: one of its queries, and no page of refused ones', async () => {
    const { banner, answers, page } = await offered({ ...trusting('today'), TRUSTED_OPERATIONS_ONLY: 'true' });
    expect(banner).not.toContain('/graphql  ');
    expect(answers).toEqual([{ status: 200, text: expect.stringContaining('"data"') }, expect.objectContaining({ status: 404 })]);
    expect(page).toContain('"examples":[]');
  }, 60_000);
});

describe('the banner of a demo offers', () => {
  const identities = ['Operator', 'Partner A'].map((label) => ({ label, token: label.replace(' ', '') }));
  const bannerWith = async (env: Record<string, string>, subjects = {}): Promise<string> => {
    const config = loadConfig(env);
    const { admission } = await openAdmission(config);
    return welcome('http://127.0.0.1:4000', demoOffer(config, { admission, subjects, identities }));
  };

  test.each([
    ['Sandbox and a query', {}, [/\/graphql   ready operations and tokens, in Sandbox/, /curl .*\/graphql/], []],
    ['no page without SANDBOX', { SANDBOX: 'false' }, [/curl .*\/graphql/], [/\/graphql  /, /Sandbox/]],
    ['the built-in console without INTROSPECTION', { INTROSPECTION: 'false' }, [/\/graphql   .*console/], [/in Sandbox/]],
    ['no query that costs too much', { OPERATION_MAX_COST: '1' }, [/\/graphql  /], [/curl/]],
    ['any query beside a manifest', trusting('today'), [/\/graphql  /, /-d '{"query"/], []],
    [
      'queries of a manifest alone',
      { ...trusting('today'), TRUSTED_OPERATIONS_ONLY: '1' },
      [/-d '{"op.*sha256/],
      [/\/graphql  /],
    ],
    ['no mutation of a manifest', { ...trusting('change-status'), TRUSTED_OPERATIONS_ONLY: '1' }, [/readyz/], [/curl/]],
    ['no query that needs variables', { ...trusting('day'), TRUSTED_OPERATIONS_ONLY: '1' }, [/readyz/], [/curl/]],
  ])('%s', async (_what, env, present, absent) => {
    const banner = await bannerWith(env);
    for (const pattern of present) expect(banner).toMatch(pattern);
    for (const pattern of absent) expect(banner).not.toMatch(pattern);
    expect(banner).not.toContain('/files/');
    expect(banner).toContain('    Operator   Operator');
  });

  test('a file of partner B alone, if there is one', async () => {
    const banner = await bannerWith({}, { fileOfPartnerB: 'models/a b.stl' });
    expect(banner).toMatch(/curl -s http:\/\/127\.0\.0\.1:4000\/files\/models\/a%20b\.stl \\\n.*Bearer PartnerA'/);
  });

  test('every ready operation of the page, with the default limits', async () => {
    const { admission } = await openAdmission(loadConfig({}));
    const examples = exampleOperations(Date.now(), { fileOfPartnerB: 'models/a.stl' });
    expect(examples.filter(({ document, variables }) => !admission.takes(document, variables))).toEqual([]);
  });
});

test.each([
  ['is not there', undefined, /expected a manifest that can be read, but got ".*" \(ENOENT\)/],
  ['is none', '{}', /expected a manifest of operations that fit, but of ".*": it is no manifest/],
])('a manifest that %s ends the start before anything is made', async (_what, text, message) => {
  const [file, data] = [join(folder, 'wrong.json'), join(folder, 'untouched')];
  if (text !== undefined) writeFileSync(file, text);
  const gateway = await startGateway({ ...DEMO, DATA_DIR: data, TRUSTED_OPERATIONS_FILE: file }, { untilReady: false });
  await until('the end of the gateway', () => !gateway.isRunning());
  expect(await gateway.stop()).toBe(1);
  expect(gateway.output()).toMatch(/^The gateway cannot start:\nTRUSTED_OPERATIONS_FILE: /);
  expect(gateway.output()).toMatch(message);
  expect(existsSync(data)).toBe(false);
});
