import { parse, type DocumentNode, type GraphQLSchema } from 'graphql';
import { LRUCache } from 'lru-cache';
import { createCostOf, type CostOf } from './cost.js';
import { checkDocument, checkTokens, type DocumentLimits } from './document-limits.js';
import { LimitError } from './limit-error.js';
import { checkSubscriptionRoots, SubscriptionRootError } from './subscription-root.js';
import { checkVariables } from './variable-limits.js';
import type { Variables } from './cost-plan.js';

/** What one operation may ask for. */
export interface OperationLimits extends DocumentLimits {
  /** Points, see `PRICES`. */
  readonly cost: number;
}

/** Texts that are known to be within the limits: as many as have this many characters together. */
const REMEMBERED_CHARACTERS = 1_000_000;

/** The limits of operations, the same whatever way one comes. */
export class Limits {
  private readonly good = new LRUCache<string, true>({
    maxSize: REMEMBERED_CHARACTERS,
    sizeCalculation: (_good, text) => text.length + 1,
  });
  readonly costOf: CostOf;

  constructor(
    schema: GraphQLSchema,
    private readonly limits: OperationLimits,
  ) {
    this.costOf = createCostOf(schema);
  }

  /** What can be said before a document is parsed and validated for good. What is no GraphQL at all is for the parser to say. */
  checkText(text: string): void {
    if (this.good.get(text)) return;
    try {
      checkTokens(text, this.limits);
      const document = parse(text, { noLocation: true });
      checkDocument(document, this.limits);
      checkSubscriptionRoots(document);
    } catch (error) {
      if (error instanceof LimitError || error instanceof SubscriptionRootError) throw error;
      return;
    }
    this.good.set(text, true);
  }

  checkVariables(variables: unknown): void {
    checkVariables(variables);
  }

  /** The cost of an operation of a valid document. @throws LimitError if it is more than one may have */
  checkedCost(document: DocumentNode, operationName: string | null | undefined, variables: Variables | undefined): number {
    const found = this.costOf(document, operationName, variables);
    const max = this.limits.cost;
    if (found <= max) return found;
    throw new LimitError(
      `An operation must cost at most ${max} points, but this one costs ${found}; ask for fewer or shorter windows, set "first", or take fewer fields.`,
      { limit: 'cost', max, found },
    );
  }
}
