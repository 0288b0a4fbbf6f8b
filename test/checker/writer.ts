import { between, pick, type Random } from '../../src/embedded/random.js';
import { ORDER_STATUSES, type OrderStatus } from '../../src/orders/order.js';
import type { OrderHistory } from './history.js';
import { post, type Answer, type NoAnswer } from './http-client.js';
import type { Instance } from './instance.js';
import { planFor } from './plan.js';
import { describeFailure, excuseFor, read } from './reader.js';
import { rest } from './rest.js';
import type { Settler } from './settler.js';
import { pickUp, type World } from './world.js';

interface Changed {
  readonly id: string;
  readonly version: number;
  readonly status: OrderStatus;
}

/** Nothing was changed; another writer's change, or one that failed in doubt, came first. */
const REFUSALS = ['INVALID_TRANSITION', 'CONFLICT'];

/** Changes orders until the check is over, in rounds. */
export async function runWriter(world: World, settler: Settler, random: Random): Promise<void> {
  while (!world.over.aborted) {
    await round(world, settler, random);
    await rest(between(random, 10, 120), world.over);
  }
}

/**
 * Some changes in one hour, one right after the other, each followed by reads of what was changed. So the loads that one change
 * causes are still under way when the next one is acknowledged.
 */
async function round(world: World, settler: Settler, random: Random): Promise<void> {
  const reading: Promise<void>[] = [];
  let near: OrderHistory | undefined;
  for (let left = between(random, 1, 3); left > 0; left -= 1) {
    const orders = world.book.changeable(random, random() < 0.7 ? 1 : between(random, 2, 4), near);
    const instance = pickUp(world, random);
    if (!instance || orders.length === 0) break;
    near = orders[0];
    if (!(await changeOrders(world, settler, instance, orders))) continue;
    const followers = world.instances.filter(({ isUp }) => isUp && random() < 0.6);
    reading.push(...followers.map((follower) => read(world, follower, planFor(world.book, pick(random, orders), random))));
  }
  await Promise.all(reading);
}

/** One mutation that moves each of `orders` a step on. Answers whether it was acknowledged. */
export async function changeOrders(world: World, settler: Settler, instance: Instance, orders: readonly OrderHistory[]) {
  for (const order of orders) order.busy = true;
  try {
    await lookUp(world, orders);
    return await change(world, settler, instance, orders);
  } finally {
    for (const order of orders) order.busy = false;
  }
}

async function change(world: World, settler: Settler, instance: Instance, orders: readonly OrderHistory[]): Promise<boolean> {
  const { report, token } = world;
  const { name, breaker } = instance;
  const began = performance.now();
  for (const order of orders) order.attempts += 1;
  const answer = await post(instance.process.port, token, mutation(orders));
  const changed = answer.status === 'none' ? undefined : changedOrders(answer);
  if (!changed) {
    for (const order of orders) order.position = undefined;
    settleFailure(world, instance, answer, began);
    return false;
  }
  const at = performance.now();
  const renewed = breaker.closedSince(began);
  report.changes.acknowledged += 1;
  if (!renewed) report.changes.pending += 1;
  orders.forEach((order, index) => {
    const { version, status } = changed[index] as Changed;
    const last = order.changes.at(-1)?.version ?? 1;
    if (version <= last) report.violation(`VIOLATION: ${name} acknowledged version ${version} of ${order.id} after ${last}`);
    const made = { version, at, by: name, renewedAt: renewed ? at : undefined };
    order.changes.push(made);
    order.statuses.set(version, status);
    order.position = ORDER_STATUSES.indexOf(status);
    if (!renewed) settler.watch(instance, made);
  });
  return true;
}

function settleFailure({ report }: World, instance: Instance, answer: Answer | NoAnswer, began: number): void {
  const code = answer.status === 'none' ? undefined : answer.errors?.[0]?.extensions?.code;
  if (code !== undefined && REFUSALS.includes(code)) report.changes.refused += 1;
  else if (excuseFor(instance, answer, began)) report.changes.doubtful += 1;
  else report.violation(`VIOLATION: ${instance.name} must take a change, but: ${describeFailure(answer)}`);
}

/** Asks the database, past all gateways, for orders whose last change failed in doubt. */
async function lookUp({ plant }: World, orders: readonly OrderHistory[]): Promise<void> {
  const doubtful = orders.filter(({ position }) => position === undefined);
  if (doubtful.length === 0) return;
  const rows = await plant.query('select id, version, status from orders where id = any($1::uuid[])', [
    doubtful.map(({ id }) => id),
  ]);
  const byId = new Map((rows as unknown as Changed[]).map((row) => [row.id, row]));
  for (const order of doubtful) {
    const { version, status } = byId.get(order.id) as Changed;
    order.position = ORDER_STATUSES.indexOf(status);
    order.statuses.set(version, status);
    if (version > (order.changes.at(-1)?.version ?? 1)) {
      order.changes.push({ version, at: performance.now(), by: undefined, renewedAt: undefined });
    }
  }
}

function nextStatus({ position = 0 }: OrderHistory): OrderStatus {
  return ORDER_STATUSES[position + 1] ?? 'CLOSED';
}

function mutation(orders: readonly OrderHistory[]): string {
  const changes = orders.map((order) => `id: "${order.id}", status: ${nextStatus(order)}`);
  if (changes.length === 1) return `mutation { updateOrderStatus(${changes.join()}) { id version status } }`;
  return `mutation { updateOrderStatuses(changes: [${changes.map((each) => `{ ${each} }`).join(', ')}]) { id version status } }`;
}

/** In the order of the changes; `undefined` when they were not acknowledged. */
function changedOrders({ status, errors, data }: Answer): readonly Changed[] | undefined {
  if (status !== 200 || errors || !data) return undefined;
  const { updateOrderStatus: one, updateOrderStatuses: many } = data;
  return (many ?? [one]) as readonly Changed[];
}
