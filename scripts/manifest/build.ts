import {
  GraphQLError,
  Kind,
  parse,
  print,
  Source,
  visit,
  type DefinitionNode,
  type DocumentNode,
  type FragmentDefinitionNode,
  type OperationDefinitionNode,
} from 'graphql';
import {
  ManifestError,
  operationId,
  type CheckDocument,
  type Manifest,
  type ManifestOperation,
} from '../../src/graphql/manifest.js';

/** A file of operations and fragments. */
export interface OperationFile {
  readonly name: string;
  readonly text: string;
}

export interface BuildOptions {
  /** Whether each object is asked for its `__typename`, as clients with a normalised cache do. */
  readonly typenames: boolean;
  readonly check: CheckDocument;
}

/**
 * The manifest of all operations in `files`, ordered by name; fragments are found in any file. Each body has its operation and
 * the fragments that it needs. The same files give the same manifest. @throws ManifestError with a line for each problem
 */
export function buildManifest(files: readonly OperationFile[], { typenames, check }: BuildOptions): Manifest {
  const problems: string[] = [];
  const definitions = files.flatMap(({ name, text }) => {
    try {
      return parse(new Source(text, name)).definitions;
    } catch (error) {
      problems.push(`${name}: ${messageOf(error)}`);
      return [];
    }
  });
  const fragments = uniqueByName(
    definitions.filter((each) => each.kind === Kind.FRAGMENT_DEFINITION),
    problems,
  );
  const named = uniqueByName(
    definitions.filter((each) => each.kind === Kind.OPERATION_DEFINITION),
    problems,
  );
  const operations: ManifestOperation[] = [];
  for (const [name, operation] of [...named].sort(([a], [b]) => (a < b ? -1 : 1))) {
    try {
      const parts = [operation, ...needed(operation, fragments)].map((each) => (typenames ? withTypenames(each) : each));
      const body = print({ kind: Kind.DOCUMENT, definitions: parts } satisfies DocumentNode);
      check(parse(body), body);
      operations.push({ id: operationId(body), name, type: operation.operation, body });
    } catch (error) {
      problems.push(`${operation.loc?.source.name ?? ''}: operation "${name}": ${messageOf(error)}`);
    }
  }
  if (operations.length === 0 && problems.length === 0) problems.push('there is no operation');
  if (problems.length > 0) throw new ManifestError(problems.join('\n'));
  return { format: 'apollo-persisted-query-manifest', version: 1, operations };
}

function uniqueByName<D extends OperationDefinitionNode | FragmentDefinitionNode>(
  definitions: readonly D[],
  problems: string[],
): Map<string, D> {
  const found = new Map<string, D>();
  for (const definition of definitions) {
    const name = definition.name?.value;
    const place = `${definition.loc?.source.name ?? ''}:${definition.loc?.startToken.line ?? 0}`;
    if (name === undefined) problems.push(`${place}: every operation must have a name`);
    else if (found.has(name)) problems.push(`${place}: "${name}" must be the name of one operation or fragment only`);
    else found.set(name, definition);
  }
  return found;
}

/** Fragments that `definition` spreads, and those that these spread, ordered by name. */
function needed(definition: DefinitionNode, fragments: ReadonlyMap<string, FragmentDefinitionNode>): FragmentDefinitionNode[] {
  const found = new Map<string, FragmentDefinitionNode>();
  const look = (node: DefinitionNode): void => {
    visit(node, {
      FragmentSpread: ({ name: { value: name } }) => {
        const fragment = fragments.get(name);
        if (!fragment) throw new GraphQLError(`there is no fragment "${name}"`);
        if (found.has(name)) return;
        found.set(name, fragment);
        look(fragment);
      },
    });
  };
  look(definition);
  return [...found.keys()].sort().flatMap((name) => found.get(name) ?? []);
}

/** As Apollo Client does it: in every selection but the one of the operation itself. */
function withTypenames<D extends DefinitionNode>(definition: D): D {
  return visit(definition, {
    SelectionSet: (node, _key, parent) => {
      if (parent && !Array.isArray(parent) && 'operation' in parent) return undefined;
      const has = node.selections.some((each) => each.kind === Kind.FIELD && each.name.value === '__typename');
      const typename = { kind: Kind.FIELD, name: { kind: Kind.NAME, value: '__typename' } } as const;
      return has ? undefined : { ...node, selections: [...node.selections, typename] };
    },
  });
}

function messageOf(error: unknown): string {
  if (error instanceof GraphQLError) return error.message;
  throw error;
}
