import type { ApolloServerPlugin } from '@apollo/server';
import type { FastifyRequest } from 'fastify';
import type { Context } from '../graphql/context.js';
import type { CostOf } from '../graphql/cost.js';
import { asGraphqlError } from '../graphql/errors.js';
import { describeError } from './http-error.js';
import { askingOf } from './rate-hooks.js';
import type { RateLimits } from './rate-limits.js';

const PAYER = Symbol('the request that pays for the operation');

/** Part of the context: Apollo works with a copy of it. */
interface Payer {
  readonly [PAYER]?: FastifyRequest;
}

/** Charges operations that come by plain HTTP, when their cost is known and before they are executed. */
export class OperationCharges {
  constructor(
    private readonly rates: RateLimits,
    private readonly costOf: CostOf,
  ) {}

  /** `context`, which is that of `request`: it pays. */
  of(context: Context, request: FastifyRequest): Context & Payer {
    return this.rates.areOn ? Object.assign(context, { [PAYER]: request }) : context;
  }

  readonly plugin: ApolloServerPlugin<Context> = {
    requestDidStart: () =>
      Promise.resolve({
        didResolveOperation: ({ contextValue, document, request: { operationName, variables } }) => {
          const { [PAYER]: request } = contextValue as Context & Payer;
          const notes = request?.notes.rate?.notes;
          if (!request || !notes) return Promise.resolve();
          try {
            this.rates.spend(askingOf(request), this.costOf(document, operationName, variables), notes);
            return Promise.resolve();
          } catch (error) {
            return Promise.reject(asGraphqlError(error, describeError(error).status));
          }
        },
      }),
  };
}
