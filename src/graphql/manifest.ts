import { createHash } from 'node:crypto';
import { getOperationAST, GraphQLError, parse, type DocumentNode } from 'graphql';
import { z } from 'zod';

/** One operation of a manifest. */
export interface ManifestOperation {
  /** SHA-256 of `body`, in hexadecimal digits. */
  readonly id: string;
  readonly name: string;
  readonly type: 'query' | 'mutation' | 'subscription';
  /** The operation with all its fragments. */
  readonly body: string;
}

/** Apollo's format of persisted query lists, version 1: https://www.apollographql.com/docs/graphos/platform/security/persisted-queries */
export interface Manifest {
  readonly format: 'apollo-persisted-query-manifest';
  readonly version: 1;
  readonly operations: readonly ManifestOperation[];
}

const FORMAT = z.object({
  format: z.literal('apollo-persisted-query-manifest'),
  version: z.literal(1),
  operations: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      type: z.enum(['query', 'mutation', 'subscription']),
      body: z.string(),
    }),
  ),
});

/** Finds what is wrong with a document; throws or rejects nothing else. @throws GraphQLError */
export type CheckDocument = (document: DocumentNode, body: string) => void;

/** A manifest that cannot be used. The message has a line for each problem. */
export class ManifestError extends Error {
  override readonly name = 'ManifestError';
}

export function operationId(body: string): string {
  return createHash('sha256').update(body).digest('hex');
}

/** The manifest in `text`, each operation of which passes `check`. @throws ManifestError */
export function readManifest(text: string, check: CheckDocument): Manifest {
  const parsed = FORMAT.safeParse(jsonOf(text));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new ManifestError(`it is no manifest of Apollo's format, version 1: "${issue?.path.join('.')}": ${issue?.message}`);
  }
  const problems = parsed.data.operations.flatMap((operation) => {
    const problem = problemOf(operation, check);
    return problem === undefined ? [] : [`operation "${operation.name}": ${problem}`];
  });
  if (problems.length > 0) throw new ManifestError(problems.join('\n'));
  return parsed.data;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ManifestError('it is not JSON');
  }
}

function problemOf({ id, name, type, body }: ManifestOperation, check: CheckDocument): string | undefined {
  if (id !== operationId(body)) return 'its id must be the SHA-256 of its body';
  try {
    const document = parse(body);
    const operation = getOperationAST(document);
    if (!operation) return 'its body must have exactly one operation';
    if (operation.name?.value !== name) return `its body must name it so, but has: "${operation.name?.value ?? ''}"`;
    if (String(operation.operation) !== type) return `its type must be that of its body, ${operation.operation}`;
    check(document, body);
    return undefined;
  } catch (error) {
    if (error instanceof GraphQLError) return error.message;
    throw error;
  }
}
