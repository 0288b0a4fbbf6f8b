import { readFile } from 'node:fs/promises';
import { specifiedRules, validate, type GraphQLSchema } from 'graphql';
import { ConfigError, type Config } from '../config.js';
import { Admission } from '../graphql/admission.js';
import { rulesOf } from '../graphql/exposure.js';
import { Limits } from '../graphql/limits.js';
import { ManifestError, readManifest, type Manifest } from '../graphql/manifest.js';
import { createSchema } from '../graphql/server.js';
import { systemTime } from '../time.js';

export interface OpenedAdmission {
  readonly schema: GraphQLSchema;
  readonly admission: Admission;
}

/** Which operations are taken. It needs nothing that runs. @throws ConfigError if the manifest of trusted ones cannot be used */
export async function openAdmission({ operations }: Config): Promise<OpenedAdmission> {
  const schema = createSchema();
  const { limits, timeout, trusted } = operations;
  const manifest = trusted.file === undefined ? undefined : await openManifest(trusted.file, operations, schema);
  const options = { limits, timeout, trust: { manifest, only: trusted.only }, time: systemTime };
  return { schema, admission: new Admission(schema, options) };
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
    if (error instanceof ManifestError) {
      throw new ConfigError(
        `TRUSTED_OPERATIONS_FILE: expected a manifest of operations that fit, but of "${file}": ${error.message}`,
      );
    }
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw new ConfigError(`TRUSTED_OPERATIONS_FILE: expected a manifest that can be read, but got "${file}" (${code})`);
  }
}
