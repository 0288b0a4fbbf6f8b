import { readFile } from 'node:fs/promises';
import { specifiedRules, validate, type GraphQLSchema } from 'graphql';
import { ConfigError, type Config } from '../config.js';
import { Admission } from '../graphql/admission.js';
import { rulesOf } from '../graphql/exposure.js';
import { Limits } from '../graphql/limits.js';
import { ManifestError, readManifest, type Manifest } from '../graphql/manifest.js';
import { systemTime } from '../time.js';

/** Which operations are taken. @throws ConfigError if the manifest of trusted ones cannot be used */
export async function openAdmission({ operations }: Config, schema: GraphQLSchema): Promise<Admission> {
  const { limits, timeout, trusted } = operations;
  const manifest = trusted.file === undefined ? undefined : await openManifest(trusted.file, operations, schema);
  return new Admission(schema, { limits, timeout, trust: { manifest, only: trusted.only }, time: systemTime });
}

async function openManifest(
  file: string,
  { limits, ...exposure }: Config['operations'],
  schema: GraphQLSchema,
): Promise<Manifest> {
  const checks = new Limits(schema, limits);
  const rules = [...specifiedRules, ...rulesOf(exposure)];
  try {
    return readManifest(await readFile(file, 'utf8'), (document, body) => {
      const [error] = validate(schema, document, rules);
      if (error) throw error;
      checks.checkText(body);
    });
  } catch (error) {
    const reason = error instanceof ManifestError ? error.message : (error as NodeJS.ErrnoException).code;
    if (reason === undefined) throw error;
    throw new ConfigError(`TRUSTED_OPERATIONS_FILE: expected a manifest of operations that fit, but of "${file}": ${reason}`);
  }
}
