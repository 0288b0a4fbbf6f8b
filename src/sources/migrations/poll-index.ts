import { missingIndexes } from './indexes.js';
import type { Migration } from './migration.js';
import { findOrders } from './relation.js';

/** What `CHANGE_FEED=poll` reads by. Made on request only: it makes every update of an order dearer. */
export const pollIndex: Migration = {
  label: 'poll-index',
  async plan(db) {
    const relation = await findOrders(db);
    if (relation !== null) return missingIndexes(db, relation, ['updated_at']);
    const sql = 'create index concurrently if not exists orders_updated_at_idx on orders (updated_at)';
    return { steps: [{ title: 'create index on orders (updated_at)', sql }], notes: [] };
  },
};
