import fc from 'fast-check';
import {
  getNamedType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isObjectType,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLObjectType,
  type GraphQLSchema,
} from 'graphql';

/** Decisions, one after another; all 0 when they are used up, so that fewer of them make a simpler operation. */
class Choices {
  private at = 0;

  constructor(private readonly numbers: readonly number[]) {}

  below(end: number): number {
    return (this.numbers[this.at++] ?? 0) % end;
  }

  of<T>(all: readonly T[]): T {
    return all[this.below(all.length)] as T;
  }

  /** Some of them, at least one. */
  some<T>(all: readonly T[], most: number): T[] {
    return Array.from({ length: 1 + this.below(most) }, () => this.of(all));
  }
}

/** Values that arguments may take, by the argument's name, or else by its type's. */
export type Values = Readonly<Record<string, readonly unknown[]>>;

/** One root field as it was asked for: what it is called in the answer, and its arguments as values. */
export interface AskedField {
  readonly alias: string;
  readonly field: string;
  readonly given: Readonly<Record<string, unknown>>;
}

export interface RandomOperation {
  readonly query: string;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly roots: readonly AskedField[];
}

const DEPTH_MAX = 6;
const FIELDS_MAX = 5;

/** Any operation of this kind that the schema allows: any fields, under any names, by fragments, with any of these values. */
export function anyOperation(
  schema: GraphQLSchema,
  kind: 'query' | 'mutation' | 'subscription',
  values: Values,
): fc.Arbitrary<RandomOperation> {
  return fc
    .array(fc.nat({ max: 0xffff }), { size: 'max', minLength: 10, maxLength: 250 })
    .map((numbers) => new Writer(schema, kind, values, new Choices(numbers)).write());
}

class Writer {
  private readonly variables: Record<string, unknown> = {};
  private readonly declared: string[] = [];
  private readonly fragments: string[] = [];
  private readonly roots: AskedField[] = [];
  private names = 0;

  constructor(
    private readonly schema: GraphQLSchema,
    private readonly kind: 'query' | 'mutation' | 'subscription',
    private readonly values: Values,
    private readonly choices: Choices,
  ) {}

  write(): RandomOperation {
    const root = { query: 'getQueryType', mutation: 'getMutationType', subscription: 'getSubscriptionType' } as const;
    const type = this.schema[root[this.kind]]();
    if (!type) throw new Error(`the schema must have a ${this.kind} type`);
    const fields = this.choices.some(Object.values(type.getFields()), this.kind === 'subscription' ? 1 : 4);
    const selection = fields.map((field) => this.root(field)).join(' ');
    const declared = this.declared.length > 0 ? `(${this.declared.join(', ')})` : '';
    const query = [`${this.kind} Any${declared} { ${selection} }`, ...this.fragments].join('\n');
    return { query, variables: this.variables, roots: this.roots };
  }

  private root(field: GraphQLField<unknown, unknown>): string {
    const alias = this.name('r');
    const given: Record<string, unknown> = {};
    const text = this.field(field, alias, 1, given);
    this.roots.push({ alias, field: field.name, given });
    return text;
  }

  private field(field: GraphQLField<unknown, unknown>, alias: string, depth: number, given: Record<string, unknown>): string {
    const args = field.args
      .filter(({ type }) => isNonNullType(type) || this.choices.below(3) > 0)
      .map(({ name, type }) => {
        given[name] = this.value(name, type);
        return `${name}: ${this.written(type, given[name])}`;
      });
    const type = getNamedType(field.type);
    const below = isObjectType(type) ? ` { ${this.selection(type, depth + 1)} }` : '';
    return `${alias}: ${field.name}${args.length > 0 ? `(${args.join(', ')})` : ''}${below}`;
  }

  private selection(type: GraphQLObjectType, depth: number): string {
    const leaves = Object.values(type.getFields()).filter((field) => !isObjectType(getNamedType(field.type)));
    const fields = depth < DEPTH_MAX ? Object.values(type.getFields()) : leaves;
    const parts = this.choices
      .some(fields, FIELDS_MAX)
      .map((field) => this.wrapped(type, this.field(field, this.name('f'), depth, {})));
    return ['__typename', ...parts].join(' ');
  }

  /** As it is, in an inline fragment, in a fragment with a name, or under a directive. */
  private wrapped(type: GraphQLObjectType, field: string): string {
    const name = this.name('F');
    switch (this.choices.below(6)) {
      case 1:
        return `... on ${type.name} { ${field} }`;
      case 2:
        this.fragments.push(`fragment ${name} on ${type.name} { ${field} }`);
        return `...${name}`;
      case 3:
        return `... @include(if: true) { ${field} }`;
      default:
        return field;
    }
  }

  private value(name: string, type: GraphQLInputType): unknown {
    if (isNonNullType(type)) return this.value(name, type.ofType);
    const known = this.values[name] ?? this.values[getNamedType(type).name];
    if (known && !isListType(type)) return this.choices.of(known);
    if (isListType(type)) return this.choices.below(4) === 0 ? [] : [this.value(name, type.ofType)];
    if (isEnumType(type)) return this.choices.of(type.getValues()).name;
    if (!isInputObjectType(type)) throw new Error(`values of ${name} must be given: they are ${getNamedType(type).name}`);
    const entries = Object.values(type.getFields()).map((field) => [field.name, this.value(field.name, field.type)] as const);
    return Object.fromEntries(entries);
  }

  /** Into the operation, or as a variable. */
  private written(type: GraphQLInputType, value: unknown): string {
    if (this.choices.below(2) === 0) return literal(type, value);
    const name = this.name('v');
    this.declared.push(`$${name}: ${String(type)}`);
    this.variables[name] = value;
    return `$${name}`;
  }

  private name(prefix: string): string {
    this.names += 1;
    return `${prefix}${this.names}`;
  }
}

function literal(type: GraphQLInputType, value: unknown): string {
  if (isNonNullType(type)) return literal(type.ofType, value);
  if (Array.isArray(value)) return `[${value.map((each) => literal(isListType(type) ? type.ofType : type, each)).join(', ')}]`;
  if (isEnumType(type)) return String(value);
  if (!isInputObjectType(type)) return JSON.stringify(value);
  const fields = Object.entries(value as object).map(([name, each]) => {
    const field = type.getFields()[name];
    return `${name}: ${field ? literal(field.type, each) : JSON.stringify(each)}`;
  });
  return `{ ${fields.join(', ')} }`;
}
