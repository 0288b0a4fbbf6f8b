import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  getNamedType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isObjectType,
  type GraphQLArgument,
  type GraphQLInputType,
  type GraphQLObjectType,
} from 'graphql';
import { createSchema } from '../../src/graphql/server.js';
import { ROOT } from '../support/gateway-build.js';
import type { Dice } from './dice.js';
import type { Ground } from './probe.js';

export interface FuzzOperation {
  readonly query: string;
  readonly variables: Record<string, unknown>;
  readonly kind: 'query' | 'mutation' | 'subscription';
}

const schema = createSchema();
const ROOTS = { query: schema.getQueryType(), mutation: schema.getMutationType(), subscription: schema.getSubscriptionType() };
const EXAMPLES = examples();
const TOKENS = [
  '{',
  '}',
  '(',
  ')',
  '[',
  ']',
  ':',
  '!',
  '...',
  '@',
  '$',
  '=',
  '|',
  '&',
  '"',
  '"""',
  '#',
  'on',
  'fragment',
  'null',
  '1e400',
];
const TOKEN = /\.\.\.|"(?:[^"\\]|\\.)*"|[$@]?\w+|[{}()[\]:!=|&]|\s+/g;

/** The operations of the portal and the dashboard, each with all fragments. */
function examples(): string[] {
  const folder = join(ROOT, 'operations');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.graphql'));
  const texts = files.sort().map((name) => readFileSync(join(folder, name), 'utf8'));
  const fragments = texts.filter((text) => text.startsWith('fragment'));
  return texts.filter((text) => !text.startsWith('fragment')).map((text) => [text, ...fragments].join('\n'));
}

/** An operation: made by the schema, or a known one; whole, or with accidents. */
export function anyOperation(dice: Dice, ground: Ground): FuzzOperation {
  const operation = dice.chance(0.2) ? example(dice, ground) : new Maker(dice, ground).operation();
  return dice.chance(0.35) ? { ...operation, query: mutated(dice, operation.query) } : operation;
}

function example(dice: Dice, ground: Ground): FuzzOperation {
  const query = dice.of(EXAMPLES);
  const names = [...query.matchAll(/\$(\w+): (\w+)/g)].map(([, name = '', type = '']) => [name, type] as const);
  const variables = Object.fromEntries(names.map(([name, type]) => [name, scalar(dice, ground, type, name)]));
  const kind = /^\s*(?:#.*\n)*\s*(\w+)/.exec(query)?.[1] as FuzzOperation['kind'];
  return { query, variables, kind };
}

/** Tokens left out, doubled, swapped, put in; or bytes. */
function mutated(dice: Dice, text: string): string {
  if (dice.chance(0.3)) return dice.damaged(Buffer.from(text)).toString();
  const tokens = text.match(TOKEN) ?? [];
  for (let left = dice.between(1, 4); left > 0; left -= 1) {
    const at = dice.below(tokens.length);
    const other = tokens[dice.below(tokens.length)] ?? '';
    const changes = [
      [],
      [other],
      [dice.of(TOKENS)],
      [tokens[at] ?? '', other],
      [dice.text()],
      dice.times(dice.below(60), () => other),
    ];
    tokens.splice(at, 1, ...dice.of(changes));
  }
  return tokens.join('');
}

/** A value of a scalar or enum: mostly one that fits. */
function scalar(dice: Dice, ground: Ground, type: string, name = ''): unknown {
  if (dice.chance(0.03)) return dice.json();
  const named = schema.getType(type);
  if (isEnumType(named)) return dice.of(named.getValues()).name;
  if (name === 'after') return dice.of([...ground.cursors, ...ground.cursors, ...ground.cursors, dice.text()]);
  if (name === 'path') return dice.of([...ground.filePaths, dice.text()]);
  switch (type) {
    case 'ID':
      return dice.chance(0.95) ? dice.of(ground.orderIds) : dice.text();
    case 'DateTime':
      return dice.chance(0.95) ? new Date(Date.UTC(2025, 6, 24, dice.below(48))).toISOString() : dice.text();
    case 'Int':
      return dice.chance(0.93) ? dice.of([1, 5, 15, 60, 1_440]) : dice.number();
    case 'Boolean':
      return dice.chance(0.5);
    default:
      return dice.text();
  }
}

class Maker {
  private readonly variables: Record<string, unknown> = {};
  private readonly declared: string[] = [];
  private readonly fragments: string[] = [];
  private names = 0;
  private left: number;

  constructor(
    private readonly dice: Dice,
    private readonly ground: Ground,
  ) {
    this.left = dice.weighted([
      [80, 30],
      [15, 150],
      [5, 1_500],
    ]);
  }

  operation(): FuzzOperation {
    const kind = this.dice.weighted([
      [82, 'query'],
      [9, 'mutation'],
      [9, 'subscription'],
    ] as const);
    const selection = this.selection(
      ROOTS[kind]!,
      this.dice.weighted([
        [9, 5],
        [1, 14],
      ]),
    );
    const declared = this.declared.length > 0 ? `(${this.declared.join(', ')})` : '';
    const name = this.dice.chance(0.8) ? 'Any' : '';
    return { query: [`${kind} ${name}${declared} ${selection}`, ...this.fragments].join('\n'), variables: this.variables, kind };
  }

  private selection(type: GraphQLObjectType, depth: number): string {
    const fields = Object.values(type.getFields());
    const fitting = depth > 0 ? fields : fields.filter((field) => !isObjectType(getNamedType(field.type)));
    const most = this.dice.weighted([
      [90, 5],
      [9, 30],
      [1, 300],
    ]);
    const parts: string[] = [];
    for (let left = this.dice.between(1, most); left > 0 && this.left > 0; left -= 1) {
      this.left -= 1;
      const field = fitting.length > 0 && this.dice.chance(0.995) ? this.dice.of(fitting) : undefined;
      if (!field)
        parts.push(
          this.dice.of(['__typename', '__schema { types { name fields { name } } }', 'nothing', `a: ${this.dice.text(5)}`]),
        );
      else
        parts.push(this.wrapped(type, this.field(field.name, field.args, getNamedType(field.type) as GraphQLObjectType, depth)));
    }
    return `{ ${parts.join(' ') || '__typename'} }`;
  }

  private field(name: string, args: readonly GraphQLArgument[], type: GraphQLObjectType, depth: number): string {
    const given = args
      .filter((arg) => isNonNullType(arg.type) || this.dice.chance(0.5))
      .map((arg) => `${arg.name}: ${this.argument(arg.type, arg.name)}`);
    const alias = this.dice.chance(0.9) ? `${this.name('f')}: ` : '';
    const below = isObjectType(type) ? ` ${this.selection(type, depth - 1)}` : '';
    const directive = this.dice.chance(0.05)
      ? this.dice.of([' @skip(if: false)', ' @include(if: true)', ' @defer', ' @skip', ' @x'.repeat(9)])
      : '';
    return `${alias}${name}${given.length > 0 ? `(${given.join(', ')})` : ''}${directive}${below}`;
  }

  private wrapped(type: GraphQLObjectType, field: string): string {
    if (!this.dice.chance(0.15)) return field;
    if (this.dice.chance(0.5)) return `... on ${type.name} { ${field} }`;
    const name = this.name('F');
    // Now and then a circle.
    this.fragments.push(`fragment ${name} on ${type.name} { ${field} ${this.dice.chance(0.05) ? `...${name}` : ''} }`);
    return `...${name}`;
  }

  private argument(type: GraphQLInputType, name: string): string {
    const value = this.value(type, name);
    if (this.dice.chance(0.5)) return literal(value, type);
    const variable = this.name('v');
    this.declared.push(`$${variable}: ${String(type)}`);
    if (this.dice.chance(0.95)) this.variables[variable] = value;
    return `$${variable}`;
  }

  private value(type: GraphQLInputType, name: string): unknown {
    if (isNonNullType(type)) return this.value(type.ofType, name);
    if (isListType(type))
      return this.dice.times(
        this.dice.weighted([
          [9, 2],
          [1, 1_200],
        ]),
        () => this.value(type.ofType, name),
      );
    if (!isInputObjectType(type)) return scalar(this.dice, this.ground, String(type), name);
    return Object.fromEntries(Object.values(type.getFields()).map((field) => [field.name, this.value(field.type, field.name)]));
  }

  private name(prefix: string): string {
    this.names += 1;
    return `${prefix}${this.names}`;
  }
}

/** As it is written into an operation. */
function literal(value: unknown, type: GraphQLInputType): string {
  if (Array.isArray(value)) return `[${value.map((each) => literal(each, type)).join(', ')}]`;
  if (value !== null && typeof value === 'object') {
    return `{ ${Object.entries(value)
      .map(([name, each]) => `${/^\w+$/.test(name) ? name : 'x'}: ${literal(each, type)}`)
      .join(', ')} }`;
  }
  return typeof value === 'string' && /^[A-Z_]+$/.test(value) ? value : JSON.stringify(value);
}
