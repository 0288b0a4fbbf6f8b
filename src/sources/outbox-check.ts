import { GatewayError } from '../errors.js';
import type { Query } from './feed-session.js';
import { outbox } from './migrations/002-outbox.js';

const RIGHTS = [
  ['orders_outbox', 'select'],
  ['orders_outbox', 'delete'],
  ['orders_outbox_state', 'select'],
  ['orders_outbox_state', 'update'],
] as const;

/**
 * Why the outbox of this database cannot be followed, and what helps; `undefined`: it can.
 * @throws GatewayError SOURCE_UNAVAILABLE when the database does not answer
 */
export async function outboxProblem(query: Query): Promise<string | undefined> {
  const asked = RIGHTS.map(([table, right], index) => `has_table_privilege(to_regclass('${table}'), '${right}') as "${index}"`);
  const [rights] = await query(`select to_regclass('orders_outbox') is not null as present, ${asked.join(', ')}`);
  if (rights?.['present'] === true) {
    const missing = RIGHTS.filter((_right, index) => rights[index] === false).map(([table, right]) => `${right} on ${table}`);
    if (missing.length > 0) return `the database user must have the right to ${missing.join(', ')}; grant it`;
  }
  try {
    const { steps, notes } = await outbox.plan({ query: async (text, values) => ({ rows: [...(await query(text, values))] }) });
    if (steps.length > 0) return `the outbox is missing or not complete; "npm run migrate" adds what it lacks`;
    return notes[0];
  } catch (error) {
    if (error instanceof GatewayError) throw error;
    return error instanceof Error ? error.message : String(error);
  }
}
