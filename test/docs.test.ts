import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { loadConfig } from '../src/config.js';

const PAGES = ['README.md', ...readdirSync('docs').map((name) => `docs/${name}`)];
const read = (file: string): string => readFileSync(file, 'utf8');
const matches = (text: string, pattern: RegExp): string[] => [...text.matchAll(pattern)].map(([, group = '']) => group);

/** Variable → its default as the tables of docs/configuration.md have it; `—`: absent. */
const documented = new Map(
  [...read('docs/configuration.md').matchAll(/^\| `([A-Z0-9_]+)` *\| `?([^`|]+?)`? *\|/gm)].map(([, name = '', value = '']) => [
    name,
    value,
  ]),
);

/** Names of headings as GitHub links to them. */
function anchorsOf(page: string): string[] {
  return matches(read(page), /^#+ (.*)$/gm).map((heading) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

describe('docs/configuration.md', () => {
  test('has every variable that is read, and no other', () => {
    const variables = matches(read('src/config-environment.ts'), /^ {2}([A-Z][A-Z0-9_]+): read\./gm);
    expect([...documented.keys()].sort()).toEqual([...variables].sort());
  });

  test.each([...documented].filter(([, value]) => value !== '—'))(
    'says of %s that %s is the default, and it is',
    (name, value) => {
      expect(loadConfig({ [name]: value })).toEqual(loadConfig({}));
    },
  );
});

test('docs/operations.md has every metric, and no other', () => {
  const pattern = /'(mes_[a-z_]+)'/g;
  const names = new Set(matches(read('docs/operations.md'), /\b(mes_[a-z_]+)\b/g));
  expect([...names].sort()).toEqual(
    matches(read('src/telemetry/metrics.ts') + read('src/telemetry/file-metrics.ts'), pattern).sort(),
  );
});

describe.each(PAGES)('%s', (page) => {
  const text = read(page);

  test('names only npm scripts that exist', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const named = matches(text, /\bnpm (?:run (?:--silent )?)?((?<=run (?:--silent )?)[a-z:]+|start|test)\b/g);
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  });

  test('names only files that exist', () => {
    const named = matches(text, /`((?:src|test|schema|docs|scripts)\/[\w./-]+)`/g);
    expect(named.filter((name) => !existsSync(name))).toEqual([]);
  });

  test('links only to what exists', () => {
    const targets = matches(text, /\]\(([^)\s]+)\)/g).filter((target) => !/^https?:/.test(target));
    const broken = targets.filter((target) => {
      const [file = '', anchor] = target.split('#');
      const place = file === '' ? page : join(dirname(page), file);
      return !existsSync(place) || (anchor !== undefined && !anchorsOf(place).includes(anchor));
    });
    expect(broken).toEqual([]);
  });
});
