import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { auditVerdict } from '../scripts/supply-chain/advisories.js';
import { isAllowed, licenceProblems } from '../scripts/supply-chain/licences.js';
import { lockedPackages, readLock, runtimePackages } from '../scripts/supply-chain/lock.js';
import { runtimeSbom, type Sbom } from '../scripts/supply-chain/sbom.js';
import { removeFolder, temporaryFolder } from './support/servers/temporary.js';

interface Manifest {
  dependencies: Record<string, string>;
  optionalDependencies: Record<string, string>;
  devDependencies: Record<string, string>;
}

const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest;
const runtime = { ...manifest.dependencies, ...manifest.optionalDependencies };
const lock = readLock();

describe('package-lock.json', () => {
  const packages = lockedPackages(lock);

  test('has a strong hash of every package, and takes none from anywhere but the registry', () => {
    expect(packages.length).toBeGreaterThan(100);
    expect(packages.filter(({ integrity }) => !/^sha512-[\w+/]{86}==$/.test(integrity ?? '')).map(({ place }) => place)).toEqual(
      [],
    );
    // Without the field, npm asks the registry that it is configured for; the hash decides.
    const elsewhere = packages.filter(
      ({ resolved }) => resolved !== undefined && !resolved.startsWith('https://registry.npmjs.org/'),
    );
    expect(elsewhere).toEqual([]);
  });

  test('fits package.json, in which every version is exact', () => {
    const all = { ...runtime, ...manifest.devDependencies };
    expect(Object.entries(all).filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual([]);
    const locked = Object.keys(all).map((name) => [name, lock.packages[`node_modules/${name}`]?.version]);
    expect(Object.fromEntries(locked)).toEqual(all);
  });
});

describe('licences', () => {
  test('of everything that is deployed are of the list', () => {
    expect(licenceProblems(runtimePackages(lock), '.')).toEqual([]);
  });

  test.each([
    ['MIT', true],
    ['(MIT AND BSD-3-Clause)', true],
    ['(MIT OR GPL-3.0)', true],
    ['MIT AND GPL-3.0', false],
    ['MIT OR GPL-3.0 AND ISC', false],
    ['GPL-3.0-or-later', false],
    ['SEE LICENSE IN x', false],
    ['', false],
    [undefined, false],
  ])('%j is allowed: %j', (expression, allowed) => expect(isAllowed(expression)).toBe(allowed));

  test('are those of what is installed', () => {
    const root = temporaryFolder();
    const install = (name: string, content: object): void => {
      mkdirSync(join(root, 'node_modules', name), { recursive: true });
      writeFileSync(join(root, 'node_modules', name, 'package.json'), JSON.stringify(content));
    };
    install('good', { version: '1.0.0', license: 'MIT' });
    install('bad', { version: '1.0.0', license: 'AGPL-3.0' });
    install('silent', { version: '1.0.0' });
    install('other', { version: '2.0.0', license: 'MIT' });
    const locked = (name: string, optional = false) => ({
      place: `node_modules/${name}`,
      name,
      version: '1.0.0',
      license: 'MIT',
      optional,
    });
    const packages = [...['good', 'bad', 'silent', 'other', 'gone'].map((name) => locked(name)), locked('elsewhere', true)];
    expect(licenceProblems(packages, root)).toEqual([
      'node_modules/bad: AGPL-3.0',
      'node_modules/silent: says nothing of a licence',
      'node_modules/other: 1.0.0 is locked, but 2.0.0 is installed',
      'node_modules/gone: is not installed',
    ]);
    removeFolder(root);
  });
});

describe('the SBOM', () => {
  test('parses, names all that is deployed with versions and hashes, and nothing else', () => {
    const printed = execFileSync('npm', ['run', '--silent', 'sbom'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    const sbom = JSON.parse(printed) as Sbom;
    expect([sbom.bomFormat, sbom.specVersion]).toEqual(['CycloneDX', '1.5']);
    const named = new Set(sbom.components.map(({ name, version }) => `${name}@${version}`));
    for (const [name, version] of Object.entries(runtime)) expect(named).toContain(`${name}@${version}`);
    expect([...named].sort()).toEqual(
      [...new Set(runtimePackages(lock).map(({ name, version }) => `${name}@${version}`))].sort(),
    );
    expect(sbom.components.every(({ hashes }) => hashes?.some(({ alg }) => alg === 'SHA-512'))).toBe(true);
    expect(named).not.toContain(`jest@${manifest.devDependencies['jest']}`);
  });

  test('keeps what the gateway shares with a development tool', () => {
    const ref = (name: string) => ({ 'bom-ref': `${name}@1.0.0`, name, version: '1.0.0' });
    const whole: Sbom = {
      bomFormat: 'CycloneDX',
      specVersion: '1.5',
      metadata: { component: { 'bom-ref': 'app@1.0.0' } },
      components: [ref('used'), ref('tool')],
      dependencies: [
        { ref: 'app@1.0.0', dependsOn: ['used@1.0.0', 'tool@1.0.0'] },
        { ref: 'tool@1.0.0', dependsOn: ['used@1.0.0'] },
      ],
    };
    const packages = { 'node_modules/used': { version: '1.0.0' }, 'node_modules/tool': { version: '1.0.0', dev: true } };
    expect(runtimeSbom(whole, { lockfileVersion: 3, packages })).toEqual({
      ...whole,
      components: [ref('used')],
      dependencies: [{ ref: 'app@1.0.0', dependsOn: ['used@1.0.0'] }],
    });
  });
});

describe('what npm audit says', () => {
  const report = (vulnerabilities: object, total: number): string =>
    JSON.stringify({ vulnerabilities, metadata: { vulnerabilities: { total } } });

  test.each([
    ['no advisories', report({}, 0), 'clean', []],
    ['one', report({ pg: { severity: 'high', range: '<9' } }, 1), 'vulnerable', ['pg <9: high']],
    ['one that the total has not', report({ pg: { severity: 'high', range: '<9' } }, 0), 'vulnerable', ['pg <9: high']],
    [
      '405 of the registry',
      JSON.stringify({ message: '405 Method Not Allowed', error: {} }),
      'unknown',
      ['405 Method Not Allowed'],
    ],
    ['nothing', '', 'unknown', ['npm audit gave no report']],
    ['half a report', JSON.stringify({ metadata: { vulnerabilities: { total: 0 } } }), 'unknown', ['npm audit gave no report']],
    ['null', 'null', 'unknown', ['npm audit gave no report']],
  ])('%s is %3$s', (_name, output, verdict, lines) => expect(auditVerdict(output)).toEqual({ verdict, lines }));
});

describe('docs/security.md', () => {
  test('gives a reason for every runtime dependency, and for no other', () => {
    const section = /^## Supply chain$([^]*?)^## /m.exec(`${readFileSync('docs/security.md', 'utf8')}\n## `)?.[1] ?? '';
    const listed = [...section.matchAll(/^\| ((?:`[^` ]+`(?:, )?)+) *\|/gm)].flatMap(([, names = '']) =>
      [...names.matchAll(/`([^` ]+)`/g)].map(([, name]) => name),
    );
    expect(listed.sort()).toEqual(Object.keys(runtime).sort());
  });
});
