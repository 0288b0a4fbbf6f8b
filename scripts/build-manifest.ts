/**
 * Builds a manifest of trusted operations from a folder of .graphql files:
 * `npm run operations -- build operations/portal --out portal.json`
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { specifiedRules, validate } from 'graphql';
import { Limits } from '../src/graphql/limits.js';
import { ManifestError, type CheckDocument } from '../src/graphql/manifest.js';
import { createSchema } from '../src/graphql/server.js';
import { environment } from '../src/config-environment.js';
import { orExit, parseCommand, refused, type Command } from '../test/support/command-line.js';
import { option } from '../test/support/command-options.js';
import { buildManifest } from './manifest/build.js';

const COMMAND = {
  name: 'npm run operations',
  does: 'Builds a manifest of trusted operations from all .graphql and .gql files below the folders.',
  operands: 'build <folder>...',
  options: {
    out: option.text({ unit: 'file', does: 'where the manifest is written', isRequired: true }),
    typenames: option.flag('ask each object for its __typename, as Apollo Client does'),
  },
} satisfies Command;

const { folders, out, typenames } = orExit((words) => {
  const { values, operands } = parseCommand(COMMAND, words);
  const [command, ...rest] = operands;
  if (command !== 'build') throw refused(COMMAND, `Command must be build, but got: ${command ?? 'none'}`);
  if (rest.length === 0) throw refused(COMMAND, 'Folder missing');
  return { folders: rest, ...values };
});

try {
  const manifest = buildManifest(folders.flatMap(filesIn), { typenames, check: checkDocument() });
  onDisk(out, 'a file that can be written', () => writeFileSync(out, `${JSON.stringify(manifest, null, 2)}\n`));
  process.stdout.write(`${manifest.operations.map(({ id, type, name }) => `${id}  ${type} ${name}`).join('\n')}\n`);
} catch (error) {
  if (!(error instanceof ManifestError)) throw error;
  fail(error.message, 1);
}

function filesIn(folder: string): { name: string; text: string }[] {
  return onDisk(folder, 'a folder of .graphql files', () => readdirSync(folder, { recursive: true, encoding: 'utf8' }))
    .filter((name) => name.endsWith('.graphql') || name.endsWith('.gql'))
    .sort()
    .map((name) => path.join(folder, name))
    .map((name) => ({ name, text: onDisk(name, 'a file that can be read', () => readFileSync(name, 'utf8')) }));
}

/** What `work` gives; if the file system refuses it, the process ends with `place` and what was expected there. */
function onDisk<T>(place: string, expected: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (syscall === undefined) throw error;
    return fail(`${place}: expected ${expected}, but got: ${code}`, 2);
  }
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

function fail(message: string, exitCode: 1 | 2): never {
  process.stderr.write(`${message}\n`);
  process.exit(exitCode);
}
