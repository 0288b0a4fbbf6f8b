import {
  getNamedType,
  isCompositeType,
  isObjectType,
  Kind,
  valueFromASTUntyped,
  type DirectiveNode,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLNamedType,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql';
import { FIELD_PRICES, LIST_SIZES, PRICES, ROW_FIELDS } from './prices.js';

export type Variables = Readonly<Record<string, unknown>>;

/** The price of what is below a field: once, and for each order of its page. */
export interface Weight {
  readonly once: number;
  readonly perRow: number;
}

/** One field at the root of an operation, with all that its price needs beside the variables. */
export interface RootField {
  readonly name: string;
  readonly weight: Weight;
  /** The value of an argument as it was sent; `undefined`: absent. */
  readonly argument: (name: string, variables: Variables) => unknown;
  /** Whether `@skip` and `@include` leave it in. */
  readonly isIncluded: (variables: Variables) => boolean;
}

const NOTHING: Weight = { once: 0, perRow: 0 };

/** Everything about the price of `operation` that no variable changes; each selection is looked at once. */
export function planOf(document: DocumentNode, operation: OperationDefinitionNode, schema: GraphQLSchema): readonly RootField[] {
  const scale = new Scale(document, schema);
  const root = schema.getRootType(operation.operation) ?? undefined;
  const fields: RootField[] = [];
  const add = ({ selections }: SelectionSetNode, conditions: readonly DirectiveNode[]): void => {
    for (const selection of selections) {
      const all = [...conditions, ...(selection.directives ?? [])];
      if (selection.kind === Kind.FIELD) {
        fields.push(rootField(selection, all, scale.field(selection, root)));
      } else if (selection.kind === Kind.INLINE_FRAGMENT) add(selection.selectionSet, all);
      else add(scale.fragment(selection.name.value).selectionSet, all);
    }
  };
  add(operation.selectionSet, []);
  return fields;
}

function rootField({ name, arguments: given = [] }: FieldNode, conditions: readonly DirectiveNode[], weight: Weight): RootField {
  const nodes = new Map(given.map((each) => [each.name.value, each.value]));
  const tests = conditions.flatMap(({ name: { value: kind }, arguments: [first] = [] }) =>
    (kind === 'skip' || kind === 'include') && first ? [{ node: first.value, wanted: kind === 'include' }] : [],
  );
  return {
    name: name.value,
    weight,
    argument: (wanted, variables) => {
      const node = nodes.get(wanted);
      return node && valueFromASTUntyped(node, variables);
    },
    isIncluded: (variables) => tests.every(({ node, wanted }) => Boolean(valueFromASTUntyped(node, variables)) === wanted),
  };
}

/** Weighs the selections of one document. */
class Scale {
  private readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  private readonly weighed = new Map<string, Weight>();

  constructor(
    { definitions }: DocumentNode,
    private readonly schema: GraphQLSchema,
  ) {
    const found = definitions.filter((each) => each.kind === Kind.FRAGMENT_DEFINITION);
    this.fragments = new Map(found.map((each) => [each.name.value, each]));
  }

  fragment(name: string): FragmentDefinitionNode {
    const fragment = this.fragments.get(name);
    if (!fragment) throw new Error(`must be a valid document, but has no fragment "${name}"`);
    return fragment;
  }

  field({ name: { value: name }, selectionSet }: FieldNode, parent: GraphQLNamedType | undefined): Weight {
    const path = `${parent?.name ?? ''}.${name}`;
    const own = FIELD_PRICES[path] ?? PRICES.field;
    if (!selectionSet) return { once: own, perRow: 0 };
    const below = this.selections(selectionSet, this.typeOf(name, parent));
    if (ROW_FIELDS.has(path)) return { once: own, perRow: below.once };
    const times = LIST_SIZES[path] ?? 1;
    return { once: own + times * below.once, perRow: below.perRow };
  }

  private selections({ selections }: SelectionSetNode, parent: GraphQLNamedType | undefined): Weight {
    let [once, perRow] = [0, 0];
    for (const selection of selections) {
      const weight =
        selection.kind === Kind.FIELD
          ? this.field(selection, parent)
          : selection.kind === Kind.INLINE_FRAGMENT
            ? this.selections(selection.selectionSet, parent)
            : this.spread(selection.name.value);
      once += weight.once;
      perRow += weight.perRow;
    }
    return { once, perRow };
  }

  /** A fragment is weighed once, however often it is spread. */
  private spread(name: string): Weight {
    const known = this.weighed.get(name);
    if (known) return known;
    this.weighed.set(name, NOTHING);
    const { typeCondition, selectionSet } = this.fragment(name);
    const weight = this.selections(selectionSet, this.schema.getType(typeCondition.name.value));
    this.weighed.set(name, weight);
    return weight;
  }

  private typeOf(field: string, parent: GraphQLNamedType | undefined): GraphQLNamedType | undefined {
    if (field === '__schema') return this.schema.getType('__Schema');
    if (field === '__type') return this.schema.getType('__Type');
    if (!isCompositeType(parent) || !isObjectType(parent)) return undefined;
    const type = parent.getFields()[field]?.type;
    return type && getNamedType(type);
  }
}
