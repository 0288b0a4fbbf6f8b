import {
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  NoSchemaIntrospectionCustomRule,
  type GraphQLError,
  type GraphQLSchema,
  type ValidationRule,
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
  const shown = message.replace(SUGGESTION, '');
  const sent = new Set((error.source ?? error.nodes?.[0]?.loc?.source)?.body.match(WORD) ?? []);
  const known = namesOf(schema);
  const quoted = [...shown.matchAll(/"([^"]*)"/g)].flatMap(([, text = '']) => text.match(WORD) ?? []);
  return quoted.some((word) => known.has(word) && !sent.has(word)) ? undefined : shown;
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
