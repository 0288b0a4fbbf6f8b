import type { Change, OrderHistory } from './history.js';
import type { World } from './world.js';

/** Adds a change that is known to be committed. */
export function learn(order: OrderHistory, change: Change): Change {
  order.version = change.version;
  order.changes.push(change);
  return change;
}

/** Asks the database, past all gateways, which changes were made that nobody acknowledged. */
export async function lookUp({ plant }: Pick<World, 'plant'>, orders: readonly OrderHistory[]): Promise<void> {
  const rows = await plant.query('select id, version from orders where id = any($1::uuid[])', [orders.map(({ id }) => id)]);
  const versions = new Map(rows.map(({ id, version }) => [id, Number(version)]));
  for (const order of orders) {
    const version = versions.get(order.id) ?? 0;
    if (version > order.version) learn(order, { version, at: performance.now(), by: undefined, renewedAt: undefined });
  }
}

/** When all is over: what was acknowledged is in the database, and so is all that was read. */
export async function checkKept({ plant, book, report }: World): Promise<void> {
  for (const { id, version } of await plant.query('select id, version from orders')) {
    const order = book.of(String(id));
    if (!order) continue;
    const told = `the database has version ${Number(version)} of order ${order.id} in the end`;
    if (Number(version) < order.version) report.violation(`VIOLATION: ${told}, but version ${order.version} was committed`);
    if (Number(version) < order.seen) report.violation(`VIOLATION: ${told}, but version ${order.seen} was read`);
  }
}
