import { ApolloServerErrorCode } from '@apollo/server/errors';
import {
  GraphQLError,
  Kind,
  OperationTypeNode,
  type DocumentNode,
  type FragmentDefinitionNode,
  type SelectionSetNode,
} from 'graphql';

/** A subscription has a condition at its root. */
export class SubscriptionRootError extends GraphQLError {
  constructor() {
    super('A subscription must not have "@skip" or "@include" at its root.', {
      extensions: { code: ApolloServerErrorCode.GRAPHQL_VALIDATION_FAILED, http: { status: 400 } },
    });
  }
}

/**
 * Refuses `@skip` and `@include` at the root of a subscription, as GraphQL does since September 2025 (§5.2.4.1). The rule of
 * graphql-js 16 looks at their values, which it does not have yet, and throws.
 *
 * @throws SubscriptionRootError
 */
export function checkSubscriptionRoots({ definitions }: DocumentNode): void {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const each of definitions) if (each.kind === Kind.FRAGMENT_DEFINITION) fragments.set(each.name.value, each);
  const seen = new Set<string>();
  const check = ({ selections }: SelectionSetNode): void => {
    for (const selection of selections) {
      if (selection.directives?.some(({ name }) => name.value === 'skip' || name.value === 'include'))
        throw new SubscriptionRootError();
      if (selection.kind === Kind.INLINE_FRAGMENT) check(selection.selectionSet);
      if (selection.kind !== Kind.FRAGMENT_SPREAD || seen.has(selection.name.value)) continue;
      seen.add(selection.name.value);
      const fragment = fragments.get(selection.name.value);
      if (fragment) check(fragment.selectionSet);
    }
  };
  for (const each of definitions) {
    if (each.kind === Kind.OPERATION_DEFINITION && each.operation === OperationTypeNode.SUBSCRIPTION) check(each.selectionSet);
  }
}
