import { encodeCursor } from '../../src/orders/cursor.js';
import { ABSENT_ID, callerOf, FILES, send, WINDOW, type AccessWorld, type Caller } from './access-world.js';
import type { Connection } from './graphql-client.js';
import type { PlantOrder } from './plant.js';

/** Asks for something as a caller; what came of it in a word. */
export type Ask = (world: AccessWorld, caller: Caller) => Promise<string>;

const ORDERS = `query ($createdBy: DateTime, $window: Int, $status: [OrderStatus!], $first: Int, $after: String) {
  orders(createdBy: $createdBy, window: $window, status: $status, first: $first, after: $after) {
    nodes { id filePath file { path } } totalCount pageInfo { endCursor hasNextPage }
  }
}`;

/** Whose orders these are: everybody's, the caller's own, or none. */
function whose({ all }: AccessWorld, { partnerId }: Caller, ids: readonly string[]): string {
  const same = (orders: readonly PlantOrder[]): boolean =>
    orders.length === ids.length && orders.every(({ id }) => ids.includes(id));
  if (same(all)) return 'all';
  if (ids.length === 0) return 'none';
  return same(all.filter((order) => order.partner_id === partnerId)) ? 'own' : `others: ${ids.join()}`;
}

type Page = Omit<Connection, 'nodes'> & { nodes: { id: string; filePath: string | null; file: { path: string } | null }[] };

async function page(world: AccessWorld, caller: Caller, more: object = {}): Promise<Page | string> {
  const { data, refusal, text } = await send<{ orders: Page }>(world, caller, ORDERS, { ...WINDOW, ...more });
  return refusal ?? data?.orders ?? text;
}

/** Whose orders the list has. */
export async function list(world: AccessWorld, caller: Caller): Promise<string> {
  const one = await page(world, caller);
  if (typeof one === 'string') return one;
  const ids = one.nodes.map(({ id }) => id);
  return whose(world, caller, ids);
}

/** The same by each page, as long as there is one. */
export async function pages(world: AccessWorld, caller: Caller): Promise<string> {
  const ids: string[] = [];
  for (let after: string | null = null; ;) {
    const one: Page | string = await page(world, caller, { first: 1, after });
    if (typeof one === 'string') return one;
    ids.push(...one.nodes.map(({ id }) => id));
    if (!one.pageInfo.hasNextPage) return whose(world, caller, ids);
    after = one.pageInfo.endCursor;
  }
}

/** What follows the place of partner B's first order, which all of A's but one do not. */
export async function afterCursorOfB(world: AccessWorld, caller: Caller): Promise<string> {
  const { b } = world.orders;
  const one = await page(world, caller, { after: encodeCursor({ createdAt: Date.parse(b.created_at), id: b.id }) });
  if (typeof one === 'string') return one;
  const older = world.all.filter(({ created_at }) => created_at < b.created_at);
  const [ids, count] = [one.nodes.map(({ id }) => id), one.totalCount];
  const seen = older.filter(({ partner_id }) => caller.partnerId === undefined || partner_id === caller.partnerId);
  const expected = caller.partnerId === undefined ? world.all.length : 2;
  return ids.join() === seen.map(({ id }) => id).join() && count === expected ? 'a place' : `others: ${ids.join()} of ${count}`;
}

export async function count(world: AccessWorld, caller: Caller): Promise<string> {
  const one = await page(world, caller, { first: 0, status: ['SUBMITTED', 'SHIPPED'] });
  if (typeof one === 'string') return one;
  const own = world.all.filter(({ partner_id }) => partner_id === caller.partnerId).length;
  return one.totalCount === world.all.length ? 'all' : one.totalCount === own ? 'own' : String(one.totalCount);
}

export async function filesOfOrders(world: AccessWorld, caller: Caller): Promise<string> {
  const one = await page(world, caller);
  if (typeof one === 'string') return one;
  const files = one.nodes.flatMap(({ file }) => file?.path ?? []).sort();
  const all = [FILES.a, FILES.b, FILES.nobody].sort();
  const own = caller.partnerId === 'partner-a' ? FILES.a : FILES.b;
  return files.join() === all.join() ? 'all' : files.join() === own ? 'own' : files.join();
}

/** `there`, `null`, or the refusal. */
export async function single(world: AccessWorld, caller: Caller, query: string, variables: object): Promise<string> {
  const { data, refusal } = await send<Record<string, unknown>>(world, caller, query, { ...variables });
  return refusal ?? (data && Object.values(data)[0] !== null ? 'there' : 'null');
}

export const order = (idOf: (world: AccessWorld) => string) => (world: AccessWorld, caller: Caller) =>
  single(world, caller, 'query ($id: ID!) { order(id: $id) { id number file { url } } }', { id: idOf(world) });

export const file = (path: string) => (world: AccessWorld, caller: Caller) =>
  single(world, caller, 'query ($path: String!) { file(path: $path) { size url } }', { path });

export const download = (method: string, path: string) => async (world: AccessWorld, caller: Caller) => {
  const { token } = caller;
  const response = await world.gateway.get(`/files/${path}`, { token, method });
  await response.arrayBuffer();
  return String(response.status);
};

/** A URL that partner B was given, in the hands of each caller; `change` makes it one of another file. */
export const signed = (change: (url: string) => string) => async (world: AccessWorld, caller: Caller) => {
  const made = await send<{ file: { url: string } }>(
    world,
    callerOf(world, 'partner B'),
    'query ($path: String!) { file(path: $path) { url } }',
    { path: FILES.b },
  );
  const url = new URL(change(made.data?.file.url ?? ''));
  const response = await world.gateway.get(url.pathname + url.search, { token: caller.token });
  await response.arrayBuffer();
  return String(response.status);
};

/** Whether it is done to an order that only this asks for. */
export const change = (partner: string | null | undefined) => async (world: AccessWorld, caller: Caller) => {
  const [made] = partner === undefined ? [] : await world.plant.insert({ partner_id: partner, created_at: '2025-01-01T00:00Z' });
  const query = `mutation ($id: ID!) { updateOrderStatus(id: $id, status: PACKAGING) { status } }`;
  return done(world, made, await single(world, caller, query, { id: made?.id ?? ABSENT_ID }));
};

/** What became of the order decides, whatever was answered. */
async function done({ plant }: AccessWorld, made: PlantOrder | undefined, answer: string): Promise<string> {
  if (!made) return answer;
  const [row] = await plant.query('select version from orders where id = $1', [made.id]);
  const isChanged = row?.['version'] !== made.version;
  if (isChanged !== (answer === 'there')) return `${answer}, but ${isChanged ? '' : 'not '}changed`;
  return isChanged ? 'done' : answer;
}

export const changes = async (world: AccessWorld, caller: Caller) => {
  const [made] = await world.plant.insert({ partner_id: 'partner-a', created_at: '2025-01-01T00:00Z' });
  const query = 'mutation ($changes: [OrderStatusChange!]!) { updateOrderStatuses(changes: $changes) { status } }';
  return done(world, made, await single(world, caller, query, { changes: [{ id: made?.id, status: 'SHIPPED' }] }));
};

export const announce = (path: string) => (world: AccessWorld, caller: Caller) =>
  single(world, caller, 'mutation ($path: String!) { fileChanged(path: $path) { path } }', { path });

export async function report(world: AccessWorld, caller: Caller): Promise<string> {
  const { extensions, refusal } = await send(world, caller, '{ __typename }', {}, { 'x-cache-debug': '1' });
  if (refusal !== undefined) return refusal;
  return 'sqlStatements' in (extensions?.cache ?? {})
    ? 'whole'
    : JSON.stringify(extensions?.cache) === '{"stale":false}'
      ? 'stale?'
      : 'none';
}

export const status =
  (path: string) =>
  async (world: AccessWorld, { token }: Caller) => {
    const response = await world.gateway.get(path, { token });
    await response.arrayBuffer();
    return String(response.status);
  };
