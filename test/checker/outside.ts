import pg from 'pg';
import { between, pick, type Random } from '../../src/embedded/random.js';
import { FEED_BOUND } from './bounds.js';
import type { FeedWatch } from './feed-watch.js';
import { createdAtOf, OUTSIDE, statusOf, type OrderHistory } from './history.js';
import { learn } from './look-up.js';
import { planFor, planOrders } from './plan.js';
import { read } from './reader.js';
import type { Fault } from './report.js';
import { rest } from './rest.js';
import type { World } from './world.js';

type Kind = Extract<Fault, `outside-${string}`>;

/** The frequent ones several times. */
const KINDS: readonly Kind[] = [
  'outside-changed',
  'outside-changed',
  'outside-changed',
  'outside-moved',
  'outside-moved',
  'outside-held-open',
  'outside-held-open',
  'outside-bulk',
  'outside-rolled-back',
];

/** So many orders of a change are read again. */
const FOLLOWED = 6;

/** One version of an order as it is about to be written. */
interface Write {
  readonly order: OrderHistory;
  readonly version: number;
  readonly createdAt: number;
}

const CURRENT = 'select id, version from orders where id = any($1::uuid[]) order by id for update';

const WRITE = `update orders set version = new.version, status = new.status, updated_at = now(),
    created_at = to_timestamp(new.created_at / 1000)
  from unnest($1::uuid[], $2::int[], $3::text[], $4::float8[]) as new (id, version, status, created_at) where orders.id = new.id`;

/** Changes orders as another program does, past all gateways, until the check is over. */
export async function runOutside(world: World, feed: FeedWatch, random: Random): Promise<void> {
  const client = new pg.Client({ connectionString: world.plant.url });
  client.on('error', () => undefined);
  await client.connect();
  const following: Promise<void>[] = [];
  try {
    while (!world.over.aborted) {
      const kind = pick(random, KINDS);
      const orders = chooseOrders(world, kind, random);
      await readBefore(world, orders);
      if (orders.length > 0) await changeOutside({ world, feed, client, kind, orders, random });
      following.push(readAfter(world, orders, random));
      await rest(between(random, 20, 400), world.over);
    }
    await Promise.all(following);
  } finally {
    await client.end();
  }
}

/** Orders that gateways change too only by single changes; nobody else changes them while they are busy. */
function chooseOrders({ book }: World, kind: Kind, random: Random): OrderHistory[] {
  const orders =
    kind === 'outside-changed'
      ? book.changeable(random, between(random, 1, 4))
      : book.freeOutsiders(random, kind === 'outside-bulk' ? between(random, 100, 200) : between(random, 1, 6));
  for (const order of orders) order.busy = true;
  return orders;
}

interface Transaction {
  readonly world: World;
  readonly feed: FeedWatch;
  readonly client: pg.Client;
  readonly kind: Kind;
  readonly orders: readonly OrderHistory[];
  readonly random: Random;
}

async function changeOutside({ world, feed, client, kind, orders, random }: Transaction): Promise<void> {
  const { book, report, over } = world;
  await client.query('begin');
  const rows = (await client.query<{ id: string; version: number }>(CURRENT, [orders.map(({ id }) => id)])).rows;
  const versions = new Map(rows.map(({ id, version }) => [id, version]));
  const writes = orders.map((order): Write => {
    const version = (versions.get(order.id) ?? 0) + 1;
    const moves = kind === 'outside-moved' || (kind === 'outside-held-open' && random() < 0.3);
    return { order, version, createdAt: moves ? book.anyPlace(random) : createdAtOf(order, version) };
  });
  await write(client, writes);
  if (kind === 'outside-held-open') {
    await rest(between(random, 1_000, 5_000), over);
    await readBefore(world, orders);
  }
  if (kind === 'outside-rolled-back') {
    await rest(between(random, 0, 500), over);
    await client.query('rollback');
    for (const { order, version } of writes) if (order.moves.at(-1)?.version === version) order.moves.pop();
  } else {
    await commit(client, writes, feed);
    report.changes.outside += writes.length;
  }
  for (const order of orders) order.busy = false;
  report.fault(kind);
}

/** Says where the orders will be before anybody can see it. */
async function write(client: pg.Client, writes: readonly Write[]): Promise<void> {
  for (const { order, version, createdAt } of writes) {
    if (createdAt !== createdAtOf(order, version)) order.moves.push({ version, createdAt });
  }
  const [ids, versions] = [writes.map(({ order }) => order.id), writes.map(({ version }) => version)];
  const statuses = versions.map(statusOf);
  await client.query(WRITE, [ids, versions, statuses, writes.map(({ createdAt }) => createdAt)]);
}

async function commit(client: pg.Client, writes: readonly Write[], feed: FeedWatch): Promise<void> {
  for (const { order } of writes) order.attempts += 1;
  await client.query('commit');
  const at = performance.now();
  for (const { order, version } of writes) feed.watch(learn(order, { version, at, by: OUTSIDE, renewedAt: undefined }));
}

/** So that an entry with what is about to be outdated lives on after the commit. */
async function readBefore(world: World, orders: readonly OrderHistory[]): Promise<void> {
  const keeping = world.instances.find(({ isUp, keepsLong }) => isUp && keepsLong);
  if (keeping && orders.length > 0) await read(world, keeping, planOrders(orders.slice(0, FOLLOWED)));
}

/** By everybody, at once and when the change is due: the orders that were read before, or a window with one of them. */
async function readAfter(world: World, orders: readonly OrderHistory[], random: Random): Promise<void> {
  const [order] = orders;
  if (!order) return;
  for (const pause of [0, FEED_BOUND + 500]) {
    await rest(pause, world.over);
    const plan = random() < 0.5 ? planOrders(orders.slice(0, FOLLOWED)) : planFor(world.book, order, random);
    await Promise.all(world.instances.filter(({ isUp }) => isUp).map((each) => read(world, each, plan)));
  }
}
