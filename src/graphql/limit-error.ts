import { ApolloServerErrorCode } from '@apollo/server/errors';
import { GraphQLError } from 'graphql';

export type Limit =
  | 'cost'
  | 'depth'
  | 'aliases'
  | 'rootFields'
  | 'fields'
  | 'duplicates'
  | 'introspections'
  | 'directives'
  | 'arguments'
  | 'definitions'
  | 'tokens'
  | 'nesting'
  | 'variables'
  | 'list';

/** Which limit of operations was exceeded, the most that is allowed, and what came. */
export interface Exceeded {
  readonly limit: Limit;
  readonly max: number;
  readonly found: number;
}

const { GRAPHQL_PARSE_FAILED, GRAPHQL_VALIDATION_FAILED, BAD_USER_INPUT } = ApolloServerErrorCode;

/** What is found out by reading has the code of what else is found out then; what depends on values is bad input. */
const CODES: Partial<Record<Limit, ApolloServerErrorCode>> = {
  tokens: GRAPHQL_PARSE_FAILED,
  nesting: GRAPHQL_PARSE_FAILED,
  cost: BAD_USER_INPUT,
  variables: BAD_USER_INPUT,
  list: BAD_USER_INPUT,
};

/** An operation asks for more than one may; over HTTP 400. Its extensions say what `Exceeded` has. */
export class LimitError extends GraphQLError {
  constructor(
    message: string,
    readonly exceeded: Exceeded,
  ) {
    super(message, {
      extensions: { code: CODES[exceeded.limit] ?? GRAPHQL_VALIDATION_FAILED, ...exceeded, http: { status: 400 } },
    });
  }
}
