import { between, pick, type Random } from '../../src/embedded/random.js';
import { statusOf, type OrderHistory } from './history.js';
import { post, type Answer, type NoAnswer } from './http-client.js';
import type { Instance } from './instance.js';
import { planFor } from './plan.js';
import { describeFailure, excuseFor, read } from './reader.js';
import { rest } from './rest.js';
import { learn, lookUp } from './look-up.js';
import type { Settler } from './settler.js';
import { pickUp, type World } from './world.js';

interface Changed {
  readonly id: string;
  readonly version: number;
  readonly status: string;
}

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
    return await change(world, settler, instance, orders);
  } finally {
    for (const order of orders) order.busy = false;
  }
}

async function change(world: World, settler: Settler, instance: Instance, orders: readonly OrderHistory[]): Promise<boolean> {
  const { name, breaker } = instance;
  const began = performance.now();
  for (const order of orders) order.attempts += 1;
  const answer = await post(instance.process.port, world.token, mutation(orders));
  const changed = answer.status === 'none' ? undefined : changedOrders(answer);
  if (!changed) {
    settleFailure(world, instance, orders, answer, began);
    await lookUp(world, orders);
    return false;
  }
  const at = performance.now();
  const renewed = breaker.closedSince(began);
  world.report.changes.acknowledged += 1;
  if (!renewed) world.report.changes.pending += 1;
  orders.forEach((order, index) => {
    checkAcknowledged(world, name, order, changed[index]);
    const made = learn(order, { version: order.version + 1, at, by: name, renewedAt: renewed ? at : undefined });
    order.inDoubt = false;
    if (!renewed) settler.watch({ instance, by: name, at, settle: (now) => (made.renewedAt = now) });
  });
  return true;
}

/** Exactly the change that was asked for. */
function checkAcknowledged({ report }: World, name: string, order: OrderHistory, changed: Changed | undefined): void {
  const { id, version } = order;
  if (changed?.id === id && changed.version === version + 1 && changed.status === statusOf(version + 1)) return;
  const wanted = `version ${version + 1} of order ${id} as ${statusOf(version + 1)}`;
  report.violation(`VIOLATION: ${name} must acknowledge ${wanted}, but did: ${JSON.stringify(changed)}`);
}

/** A change may be refused only where one that failed in doubt has come first. */
function settleFailure(
  { report }: World,
  instance: Instance,
  orders: readonly OrderHistory[],
  answer: Answer | NoAnswer,
  began: number,
): void {
  const isRefused = answer.status !== 'none' && answer.errors?.[0]?.extensions?.code === 'INVALID_TRANSITION';
  if (isRefused && orders.some(({ inDoubt }) => inDoubt)) {
    report.changes.refused += 1;
    return;
  }
  for (const order of orders) order.inDoubt = true;
  if (excuseFor(instance, answer, began)) report.changes.doubtful += 1;
  else report.violation(`VIOLATION: ${instance.name} must take a change, but: ${describeFailure(answer)}`);
}

function mutation(orders: readonly OrderHistory[]): string {
  const changes = orders.map((order) => `id: "${order.id}", status: ${statusOf(order.version + 1)}`);
  if (changes.length === 1) return `mutation { updateOrderStatus(${changes.join()}) { id version status } }`;
  return `mutation { updateOrderStatuses(changes: [${changes.map((each) => `{ ${each} }`).join(', ')}]) { id version status } }`;
}

/** In the order of the changes; `undefined` when they were not acknowledged. */
function changedOrders({ status, errors, data }: Answer): readonly Changed[] | undefined {
  if (status !== 200 || errors || !data) return undefined;
  const { updateOrderStatus: one, updateOrderStatuses: many } = data;
  return (many ?? [one]) as readonly Changed[];
}
