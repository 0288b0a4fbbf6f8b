import { readFileSync } from 'node:fs';
import { loadConfig } from '../src/config.js';

const compose = readFileSync(new URL('../docker-compose.yml', import.meta.url), 'utf8');
const [gateway = '', services = ''] = compose.split(/^services:$/m);
/** The gateway's environment as Compose makes it when only the secret is set. */
const environment = Object.fromEntries(
  [...gateway.matchAll(/^ {4}([A-Z0-9_]+): (.*)$/gm)].map(([, name = '', value = '']) => [name, interpolated(value)]),
);

function interpolated(value: string): string {
  return value
    .replace(/\$\{AUTH_JWT_SECRET:\?[^}]*\}/g, 'a secret of more than thirty-two characters')
    .replace(/\$\{\w+:-([^}]*)\}/g, '$1')
    .replace(/^'(.*)'$/, '$1');
}

test('has the gateway, its migration and what it stands in front of', () => {
  const names = [...services.matchAll(/^ {2}([a-z]+):$/gm)].map(([, name]) => name);
  expect(names).toEqual(expect.arrayContaining(['gateway', 'migrate', 'database', 'redis', 'files']));
});

test('sets only variables that the gateway or the AWS SDK reads', () => {
  const known = readFileSync(new URL('../src/config-environment.ts', import.meta.url), 'utf8');
  const unknown = Object.keys(environment).filter((name) => !name.startsWith('AWS_') && !known.includes(`  ${name}: read.`));
  expect(Object.keys(environment).length).toBeGreaterThan(10);
  expect(unknown).toEqual([]);
});

test('gives the gateway an environment that it accepts', () => {
  const config = loadConfig(environment);
  expect(config.http.host).toBe('0.0.0.0');
  expect(config.auth.mode).toBe('secret');
  expect(config.files.source).toMatchObject({ kind: 's3', bucket: 'parts', forcePathStyle: true });
  expect(config.store.urls).toEqual(['redis://redis:6379']);
});

test('does not start without a secret', () => {
  expect(compose).toMatch(/AUTH_JWT_SECRET: \$\{AUTH_JWT_SECRET:\?/);
});
