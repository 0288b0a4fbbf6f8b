import {
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  Kind,
  NoSchemaIntrospectionCustomRule,
  print,
  type GraphQLError,
  type GraphQLSchema,
  type ValidationRule,
  type VariableDefinitionNode,
} from 'graphql';

/** How much of itself the schema shows. */
export interface Exposure {
  /** Whether clients may ask what the schema has. Without it errors name no part of it that they have not sent. */
  readonly introspection: boolean;
}

export function rulesOf({ introspection }: Exposure): ValidationRule[] {
  return introspection ? [] : [NoSchemaIntrospectionCustomRule];
}

const SUGGESTION = / ?Did you mean .+\?$/s;
const WORD = /[A-Za-z_]\w*/g;

/** The message of an error of GraphQL's own, without what would tell of the schema; `undefined`: it cannot be told so. */
export function withoutSchema(message: string, error: GraphQLError, schema: GraphQLSchema): string | undefined {
  const sent = new Set((error.source ?? error.nodes?.[0]?.loc?.source)?.body.match(WORD) ?? []);
  const known = namesOf(schema);
  const isUntold: IsUntold = (text) => (text.match(WORD) ?? []).some((word) => known.has(word) && !sent.has(word));
  const [node] = error.nodes ?? [];
  if (
    node?.kind === Kind.VARIABLE_DEFINITION &&
    message.startsWith(`Variable "$${node.variable.name.value}" got invalid value `)
  ) {
    return ofVariable(message, node, error.originalError?.message ?? '', isUntold);
  }
  const shown = message.replace(SUGGESTION, '');
  return [...shown.matchAll(/"([^"]*)"/g)].some(([, text = '']) => isUntold(text)) ? undefined : shown;
}

/** Whether a text has a name of the schema that the client has not sent. */
type IsUntold = (text: string) => boolean;

/** What GraphQL says of a value; only what is captured is neither the client's nor the same for all schemas. */
const REASONS = [
  /^(?:Int|Float|String|Boolean|ID) cannot represent /,
  /^(?:DateTime|URL) must be /,
  /^Enum "(\w+)" cannot represent /,
  /^Value ".*" does not exist in "(\w+)" enum\.$/s,
  /^Field ".*" is not defined by type "(\w+)"\.$/s,
  /^Expected (?:non-nullable )?type "([^"]+)" (?:not to be null|to be an object)\.$/,
];

/**
 * A wrong value of a variable, which is the client's own, as are its place in it and the variable's type. They may hold
 * quotation marks and all, so the reason is judged apart from them.
 */
function ofVariable(message: string, { variable, type }: VariableDefinitionNode, reason: string, isUntold: IsUntold): string {
  const shown = reason.replace(SUGGESTION, '');
  const match = REASONS.map((form) => form.exec(shown)).find((found) => found !== null);
  const isOpen = match !== undefined && !isUntold(match[1] ?? '');
  const value = message.endsWith(`; ${reason}`)
    ? message.slice(0, -reason.length - 2)
    : `Variable "$${variable.name.value}" got an invalid value`;
  return `${value}; ${isOpen ? shown : `it does not fit the type "${print(type)}".`}`;
}

const NAMES = new WeakMap<GraphQLSchema, ReadonlySet<string>>();

/** Every name that the schema has given to something. */
function namesOf(schema: GraphQLSchema): ReadonlySet<string> {
  const known = NAMES.get(schema);
  if (known) return known;
  const names = new Set<string>();
  for (const type of Object.values(schema.getTypeMap())) {
    names.add(type.name);
    if (isEnumType(type)) for (const { name } of type.getValues()) names.add(name);
    if (isInputObjectType(type)) for (const name of Object.keys(type.getFields())) names.add(name);
    if (!isObjectType(type) && !isInterfaceType(type)) continue;
    for (const field of Object.values(type.getFields())) {
      names.add(field.name);
      for (const { name } of field.args) names.add(name);
    }
  }
  NAMES.set(schema, names);
  return names;
}
