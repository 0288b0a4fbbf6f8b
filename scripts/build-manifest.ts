/**
 * Builds a manifest of trusted operations from a folder of .graphql files:
 * `npm run operations -- build operations/portal --out portal.json`
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { specifiedRules, validate } from 'graphql';
import { Limits } from '../src/graphql/limits.js';
import { ManifestError, type CheckDocument } from '../src/graphql/manifest.js';
import { createSchema } from '../src/graphql/server.js';
import { environment } from '../src/config-environment.js';
import { buildManifest } from './manifest/build.js';

const USAGE = 'npm run operations -- build <folder> --out <file> [--typenames]';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { out: { type: 'string' }, typenames: { type: 'boolean', default: false } },
});
const [command, ...folders] = positionals;
if (command !== 'build' || folders.length === 0 || values.out === undefined) fail(`expected: ${USAGE}`);

try {
  const manifest = buildManifest(folders.flatMap(filesIn), { typenames: values.typenames, check: checkDocument() });
  writeFileSync(values.out, `${JSON.stringify(manifest, null, 2)}\n`);
  process.stdout.write(`${manifest.operations.map(({ id, type, name }) => `${id}  ${type} ${name}`).join('\n')}\n`);
} catch (error) {
  if (!(error instanceof ManifestError)) throw error;
  fail(error.message);
}

function filesIn(folder: string): { name: string; text: string }[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.graphql') || name.endsWith('.gql'))
    .sort()
    .map((name) => ({ name: path.join(folder, name), text: readFileSync(path.join(folder, name), 'utf8') }));
}

/** What a gateway checks of each operation at its start, with the defaults of its limits. */
function checkDocument(): CheckDocument {
  const schema = createSchema();
  const env = environment.parse({});
  const limits = new Limits(schema, {
    cost: env.OPERATION_MAX_COST,
    depth: env.OPERATION_MAX_DEPTH,
    aliases: env.OPERATION_MAX_ALIASES,
    rootFields: env.OPERATION_MAX_ROOT_FIELDS,
    tokens: env.OPERATION_MAX_TOKENS,
    directives: env.OPERATION_MAX_DIRECTIVES,
  });
  return (document, body) => {
    const [error] = validate(schema, document, specifiedRules);
    if (error) throw error;
    limits.checkText(body);
  };
}

function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}
