import { createIndex, missingIndexes } from './indexes.js';
import type { Migration } from './migration.js';
import { findOrders } from './relation.js';

/** What `CHANGE_FEED=poll` reads by. Made on request only: it makes every update of an order dearer. */
export const pollIndex: Migration = {
  label: 'poll-index',
  async plan(db) {
    const relation = await findOrders(db);
    if (relation !== null) return missingIndexes(db, relation, ['updated_at']);
    return { steps: [createIndex('updated_at', 'orders', 'concurrently ')], notes: [] };
  },
};
