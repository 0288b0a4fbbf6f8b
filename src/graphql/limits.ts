import { GraphQLError, Kind, type FragmentDefinitionNode, type SelectionSetNode, type ValidationRule } from 'graphql';

/** Of a document: a page of 24 windows with all their fields has about a thousand. */
export const MAX_TOKENS = 10_000;
const MAX_ROOT_FIELDS = 100;
/** Of one object, aliases included; the widest type has less than 20. */
const MAX_FIELDS = 200;
/** Each answers the whole schema, some 20 kB. */
const MAX_INTROSPECTIONS = 5;

/**
 * Bounds what one operation asks for at its root, and of any object, fragments included: an alias costs the caller some bytes,
 * and the gateway an answer; below a list, one for each of its items.
 */
export const fieldLimit: ValidationRule = (context) => {
  const counted = new Map<FragmentDefinitionNode, Map<string, number>>();

  /** Field name → how often it stands in `selections`. A fragment is counted once, and added as often as it is spread. */
  const count = ({ selections }: SelectionSetNode): Map<string, number> => {
    const names = new Map<string, number>();
    const add = (name: string, times: number) => names.set(name, (names.get(name) ?? 0) + times);
    for (const selection of selections) {
      if (selection.kind === Kind.FIELD) add(selection.name.value, 1);
      else if (selection.kind === Kind.INLINE_FRAGMENT) for (const entry of count(selection.selectionSet)) add(...entry);
      else for (const entry of countFragment(context.getFragment(selection.name.value))) add(...entry);
    }
    return names;
  };
  const countFragment = (fragment: FragmentDefinitionNode | null | undefined): Map<string, number> => {
    if (!fragment) return new Map();
    const known = counted.get(fragment);
    if (known) return known;
    // A fragment in itself is an error of its own; here it must only come to an end.
    counted.set(fragment, new Map());
    const names = count(fragment.selectionSet);
    counted.set(fragment, names);
    return names;
  };

  return {
    OperationDefinition: (node) => {
      const names = count(node.selectionSet);
      const total = sum(names);
      const introspections = (names.get('__schema') ?? 0) + (names.get('__type') ?? 0);
      if (total > MAX_ROOT_FIELDS) context.reportError(refusal('fields at its root', MAX_ROOT_FIELDS, total));
      if (introspections > MAX_INTROSPECTIONS) {
        context.reportError(refusal('times "__schema" or "__type"', MAX_INTROSPECTIONS, introspections));
      }
      return undefined;
    },
    Field: ({ name, selectionSet }) => {
      const total = selectionSet ? sum(count(selectionSet)) : 0;
      if (total > MAX_FIELDS) context.reportError(refusal(`fields below "${name.value}"`, MAX_FIELDS, total));
      return undefined;
    },
  };
};

function sum(names: ReadonlyMap<string, number>): number {
  return [...names.values()].reduce((total, times) => total + times, 0);
}

function refusal(what: string, most: number, found: number): GraphQLError {
  return new GraphQLError(`An operation must have at most ${most} ${what}, but has: ${found}.`);
}
