import {
  getOperationAST,
  OperationTypeNode,
  valueFromASTUntyped,
  type DocumentNode,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from 'graphql';
import { PAGE_MAX } from '../orders/page.js';
import { DEFAULT_WINDOW, MAX_WINDOW } from '../orders/window.js';
import { planOf, type RootField, type Variables } from './cost-plan.js';
import { ORDERS_PER_MINUTE, PRICES, TODAY } from './prices.js';

/** Records of the audit log on one page. */
const AUDIT_PAGE = { max: 200, absent: 50 };

interface Plan {
  readonly kind: OperationTypeNode;
  readonly fields: readonly RootField[];
  readonly defaults: Variables;
}

/**
 * Gives what an operation costs, in points of `PRICES`, before it is executed: what it may make the gateway do at most, taken that
 * nothing is cached. The part that does not depend on variables is worked out once for each operation of a document.
 * It is for documents that are valid; variables may be anything.
 */
export type CostOf = (
  document: DocumentNode,
  operationName: string | null | undefined,
  variables: Variables | undefined,
) => number;

export function createCostOf(schema: GraphQLSchema): CostOf {
  const plans = new WeakMap<OperationDefinitionNode, Plan>();
  return (document, operationName, variables = {}) => {
    const operation = getOperationAST(document, operationName);
    if (!operation) return PRICES.operation;
    let plan = plans.get(operation);
    if (!plan) plans.set(operation, (plan = planFor(document, operation, schema)));
    return totalOf(plan, variables);
  };
}

function planFor(document: DocumentNode, operation: OperationDefinitionNode, schema: GraphQLSchema): Plan {
  const given = (operation.variableDefinitions ?? []).flatMap(({ variable, defaultValue }) =>
    defaultValue ? [[variable.name.value, valueFromASTUntyped(defaultValue)] as const] : [],
  );
  return { kind: operation.operation, fields: planOf(document, operation, schema), defaults: Object.fromEntries(given) };
}

function totalOf({ kind, fields, defaults }: Plan, sent: Variables): number {
  const variables = { ...defaults, ...sent };
  let total: number = PRICES.operation;
  for (const field of fields) if (field.isIncluded(variables)) total += PRICES.root + priceOf(kind, field, variables);
  return Math.ceil(total);
}

function priceOf(kind: Plan['kind'], field: RootField, variables: Variables): number {
  const { once, perRow } = field.weight;
  if (kind === OperationTypeNode.SUBSCRIPTION) return PRICES.subscription + once;
  if (kind === OperationTypeNode.MUTATION) return field.name === '__typename' ? once : mutationPrice(field, variables);
  if (field.name === 'auditLog') return once + perRow * firstOf(field, variables, AUDIT_PAGE);
  if (field.name !== 'orders') return once + (field.name === 'file' ? PRICES.file : 0);
  const minutes = minutesOf(field, variables);
  return once + PRICES.hour * Math.ceil(minutes / 60) + perRow * rowsOf(field, variables, minutes);
}

function mutationPrice(field: RootField, variables: Variables): number {
  const changes = field.argument('changes', variables);
  const count = Array.isArray(changes) ? changes.length : 1;
  return PRICES.mutation + count * (PRICES.change + field.weight.once);
}

/** What is no number is refused when the operation is executed. */
function minutesOf(field: RootField, variables: Variables): number {
  const window = field.argument('window', variables);
  if (typeof window === 'number' && window >= 1) return Math.min(window, MAX_WINDOW);
  return (field.argument('createdBy', variables) ?? null) === null ? TODAY : DEFAULT_WINDOW;
}

function rowsOf(field: RootField, variables: Variables, minutes: number): number {
  return Math.min(firstOf(field, variables, { max: PAGE_MAX, absent: PAGE_MAX }), minutes * ORDERS_PER_MINUTE);
}

function firstOf(
  field: RootField,
  variables: Variables,
  { max, absent }: { readonly max: number; readonly absent: number },
): number {
  const first = field.argument('first', variables);
  return typeof first === 'number' && first >= 0 ? Math.min(first, max) : absent;
}
