import { GraphQLError, Kind, type FragmentDefinitionNode, type SelectionSetNode, type ValidationRule } from 'graphql';

/** Of a document: a page of 24 windows with all their fields has about a thousand. */
export const MAX_TOKENS = 10_000;
const MAX_ROOT_FIELDS = 100;
/** Each answers the whole schema, some 20 kB. */
const MAX_INTROSPECTIONS = 5;

/**
 * Bounds what one operation asks for at its root, fragments included: an alias costs the caller some bytes, and the gateway
 * an answer.
 */
export const rootFieldLimit: ValidationRule = (context) => {
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
      const total = [...names.values()].reduce((sum, times) => sum + times, 0);
      const introspections = (names.get('__schema') ?? 0) + (names.get('__type') ?? 0);
      if (total > MAX_ROOT_FIELDS) context.reportError(refusal('fields at its root', MAX_ROOT_FIELDS, total));
      if (introspections > MAX_INTROSPECTIONS) {
        context.reportError(refusal('times "__schema" or "__type"', MAX_INTROSPECTIONS, introspections));
      }
      return undefined;
    },
  };
};

function refusal(what: string, most: number, found: number): GraphQLError {
  return new GraphQLError(`An operation must have at most ${most} ${what}, but has: ${found}.`);
}
