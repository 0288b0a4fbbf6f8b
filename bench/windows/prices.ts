import type { Prices } from '../../src/orders/level-cost.js';

/** As `--measure` found them, rounded, with a Postgres and a Redis on one busy machine of two cores. */
export const PRICES: Prices = { statement: 1.3, row: 0.012, lookup: 0.014 };
