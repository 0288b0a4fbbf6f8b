import {
  Kind,
  Lexer,
  Source,
  TokenKind,
  visit,
  type ASTNode,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type SelectionSetNode,
} from 'graphql';
import { LimitError, type Limit } from './limit-error.js';

/** What one document may ask for; a setting each. */
export interface DocumentLimits {
  /** Levels of fields below the root; introspection is not counted, since GraphQL bounds it by a rule of its own. */
  readonly depth: number;
  readonly aliases: number;
  /** Fragments included. */
  readonly rootFields: number;
  readonly tokens: number;
  readonly directives: number;
}

/** Brackets inside of brackets: what a parser, which is recursive, can take. */
export const NESTING_MAX = 50;
/** Of one object, aliases and fragments included; the widest type has less than 20. */
export const FIELDS_MAX = 200;
/** Under one name in one object: whether they are the same is found out for each two of them. */
export const DUPLICATES_MAX = 30;
/** Operations and fragments of one document. */
export const DEFINITIONS_MAX = 100;
/** Of one field or directive; none has more than 5. */
export const ARGUMENTS_MAX = 20;
/** That one operation declares. */
export const VARIABLES_MAX = 100;
/** Each answers the whole schema, some 20 kB. */
export const INTROSPECTIONS_MAX = 5;
/** At one place: there are `@skip` and `@include`. */
export const PLACE_DIRECTIVES_MAX = 3;
/** Items of one list, written into an operation or sent as a variable. */
export const LIST_MAX = 1_000;

const OPENING: readonly TokenKind[] = [TokenKind.BRACE_L, TokenKind.BRACKET_L, TokenKind.PAREN_L];
const CLOSING: readonly TokenKind[] = [TokenKind.BRACE_R, TokenKind.BRACKET_R, TokenKind.PAREN_R];

/** What a text is made of, before it is parsed. @throws LimitError; GraphQLError for what is no token */
export function checkTokens(text: string, { tokens: max }: Pick<DocumentLimits, 'tokens'>): void {
  const lexer = new Lexer(new Source(text));
  let [tokens, nesting] = [0, 0];
  for (let { kind } = lexer.advance(); kind !== TokenKind.EOF; { kind } = lexer.advance()) {
    tokens += 1;
    if (OPENING.includes(kind)) nesting += 1;
    else if (CLOSING.includes(kind)) nesting -= 1;
    if (tokens > max)
      throw new LimitError(`A document must have at most ${max} tokens, but has more.`, { limit: 'tokens', max, found: tokens });
    if (nesting > NESTING_MAX) {
      const found = nesting;
      throw new LimitError(`Brackets must be nested at most ${NESTING_MAX} times.`, {
        limit: 'nesting',
        max: NESTING_MAX,
        found,
      });
    }
  }
}

/** What a document asks for, before it is validated: each of its nodes is looked at once. @throws LimitError */
export function checkDocument(document: DocumentNode, limits: DocumentLimits): void {
  refuse('definitions', 'operations and fragments', DEFINITIONS_MAX, document.definitions.length);
  const shape = new Shape(document);
  for (const definition of document.definitions) {
    if (definition.kind !== Kind.OPERATION_DEFINITION) continue;
    const { depth, fields } = shape.of(definition.selectionSet);
    refuse('depth', 'levels of fields', limits.depth, depth);
    refuse('rootFields', 'fields at its root', limits.rootFields, totalOf(fields));
    const introspections = (fields.get('__schema') ?? 0) + (fields.get('__type') ?? 0);
    refuse('introspections', 'times "__schema" or "__type"', INTROSPECTIONS_MAX, introspections);
  }
  checkCounts(document, limits);
}

function checkCounts(document: DocumentNode, limits: DocumentLimits): void {
  let [aliases, directives] = [0, 0];
  visit(document, {
    enter: (node: ASTNode) => {
      if (node.kind === Kind.FIELD && node.alias) aliases += 1;
      if (node.kind === Kind.LIST) refuse('list', 'items in a list', LIST_MAX, node.values.length);
      if ('arguments' in node) refuse('arguments', 'arguments at one place', ARGUMENTS_MAX, node.arguments.length);
      if (node.kind === Kind.OPERATION_DEFINITION) {
        refuse('variables', 'variables', VARIABLES_MAX, node.variableDefinitions?.length ?? 0);
      }
      const here = 'directives' in node ? node.directives.length : 0;
      directives += here;
      refuse('directives', 'directives at one place', PLACE_DIRECTIVES_MAX, here);
    },
  });
  refuse('aliases', 'aliases', limits.aliases, aliases);
  refuse('directives', 'directives', limits.directives, directives);
}

/** How often each field, by its name without alias, stands in a selection, fragments included. */
type Fields = ReadonlyMap<string, number>;

interface Extent {
  readonly depth: number;
  readonly fields: Fields;
  /** The same by what they are called in the answer. */
  readonly keys: Fields;
}

const NOTHING: Extent = { depth: 0, fields: new Map(), keys: new Map() };

/** Measures the selections of one document; a fragment once, however often it is spread. */
class Shape {
  private readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  private readonly measured = new Map<string, Extent>();

  constructor({ definitions }: DocumentNode) {
    const found = definitions.filter((each) => each.kind === Kind.FRAGMENT_DEFINITION);
    this.fragments = new Map(found.map((each) => [each.name.value, each]));
  }

  /** @throws LimitError if an object has too many fields */
  of({ selections }: SelectionSetNode): Extent {
    let depth = 0;
    const [fields, keys] = [new Map<string, number>(), new Map<string, number>()];
    for (const selection of selections) {
      if (selection.kind === Kind.FIELD) {
        const name = selection.name.value;
        depth = Math.max(depth, this.depthOf(selection));
        add(fields, name, 1);
        add(keys, selection.alias?.value ?? name, 1);
        continue;
      }
      const extent =
        selection.kind === Kind.INLINE_FRAGMENT ? this.of(selection.selectionSet) : this.spread(selection.name.value);
      depth = Math.max(depth, extent.depth);
      for (const [name, times] of extent.fields) add(fields, name, times);
      for (const [name, times] of extent.keys) add(keys, name, times);
    }
    for (const [name, times] of keys) refuse('duplicates', `times "${name}" in one object`, DUPLICATES_MAX, times);
    return { depth, fields, keys };
  }

  private depthOf({ name: { value: name }, selectionSet }: FieldNode): number {
    if (!selectionSet) return 1;
    const below = this.of(selectionSet);
    refuse('fields', `fields below "${name}"`, FIELDS_MAX, totalOf(below.fields));
    return name === '__schema' || name === '__type' ? 1 : 1 + below.depth;
  }

  /** A fragment in itself is an error of its own; here it must only come to an end. */
  private spread(name: string): Extent {
    const known = this.measured.get(name);
    if (known) return known;
    this.measured.set(name, NOTHING);
    const fragment = this.fragments.get(name);
    const extent = fragment ? this.of(fragment.selectionSet) : NOTHING;
    this.measured.set(name, extent);
    return extent;
  }
}

function add(counts: Map<string, number>, name: string, times: number): void {
  counts.set(name, (counts.get(name) ?? 0) + times);
}

function totalOf(counts: Fields): number {
  return [...counts.values()].reduce((sum, times) => sum + times, 0);
}

function refuse(limit: Limit, what: string, max: number, found: number): void {
  if (found > max)
    throw new LimitError(`An operation must have at most ${max} ${what}, but has: ${found}.`, { limit, max, found });
}
