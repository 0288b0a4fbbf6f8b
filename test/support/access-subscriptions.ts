import { CALLERS, type AccessWorld, type Caller } from './access-world.js';
import { TRANSPORTS, type Followed } from './live.js';

/** What is subscribed to, and the orders of the three events below that each of `CALLERS` is told of. */
export interface LiveRow {
  readonly name: string;
  readonly field: string;
  readonly query: string;
  /** Which of `Q` (partner A's), `R` (partner B's) and `S` (nobody's) partner A is told. */
  readonly topic: 'orderChanged' | 'newOrders' | 'orderRemoved';
}

const AROUND = 'createdBy: "2024-05-05T00:00Z", window: 60';

export const LIVE_ROWS: readonly LiveRow[] = [
  { name: 'orderChanged', topic: 'orderChanged', query: 'subscription { orderChanged { id number partnerId file { path } } }' },
  {
    name: 'orderChanged in a window',
    topic: 'orderChanged',
    query: `subscription { orderChanged(${AROUND}) { id number partnerId } }`,
  },
  { name: 'newOrders', topic: 'newOrders', query: 'subscription { newOrders { id number partnerId } }' },
  { name: 'orderRemoved', topic: 'orderRemoved', query: 'subscription { orderRemoved }' },
  { name: 'orderRemoved from a window', topic: 'orderRemoved', query: `subscription { orderRemoved(${AROUND}) }` },
].map((row) => ({ ...row, field: `Subscription.${row.topic}` }) as LiveRow);

/** Row and transport → caller → what it was told of: `all`, `own`, or the refusal. */
export type LiveVerdicts = ReadonlyMap<string, ReadonlyMap<string, string>>;

interface Watching {
  readonly row: string;
  readonly caller: Caller;
  readonly topic: LiveRow['topic'];
  readonly followed: Followed;
}

/**
 * Lets everybody subscribe to everything, by both transports, and then makes, changes and deletes an order of nobody, of
 * partner B and of partner A, one after the other: whoever was told of the last one has been told of the others, if ever.
 */
export async function watchAll(world: AccessWorld): Promise<LiveVerdicts> {
  const watching = LIVE_ROWS.flatMap(({ name, topic, query }) =>
    TRANSPORTS.flatMap(([transport, open]) =>
      world.callers.map((caller): Watching => {
        const followed = open<Record<string, unknown>>(world.gateway.url, caller.token, { query });
        return { row: `${name} by ${transport}`, caller, topic, followed };
      }),
    ),
  );
  await Promise.all(watching.map(({ followed }) => followed.begin()));
  const created_at = '2024-05-05T00:10:00Z';
  const made = [];
  for (const partner_id of [null, 'partner-b', 'partner-a', 'partner-b']) {
    const [order] = await world.plant.insert({ partner_id, created_at, number: `LIVE-${made.length}` });
    made.push(order!);
    await settled(watching, ['newOrders', 'orderChanged'], order!.id, partner_id);
  }
  for (const { id, partner_id } of made) {
    await world.plant.query('delete from orders where id = $1', [id]);
    await settled(watching, ['orderRemoved'], id, partner_id);
  }
  for (const { followed } of watching) followed.stop();
  return verdicts(watching, made);
}

/** Waits until all who must be told of the order have been. */
async function settled(
  watching: readonly Watching[],
  topics: readonly LiveRow['topic'][],
  id: string,
  partnerId: string | null,
): Promise<void> {
  const mustKnow = watching.filter(
    ({ topic, caller, followed }) =>
      topics.includes(topic) &&
      !followed.end &&
      (caller.partnerId === undefined
        ? caller.name !== 'anonymous' && caller.name !== 'service'
        : caller.partnerId === partnerId),
  );
  await Promise.all(mustKnow.map(({ followed }) => followed.until(`what happens to ${id}`, () => toldOf(followed).includes(id))));
}

function toldOf({ told }: Watching['followed']): string[] {
  return told.flatMap(({ data }) => {
    const [value] = Object.values(data ?? {});
    return typeof value === 'string'
      ? value
      : typeof value === 'object' && value !== null && 'id' in value
        ? String(value.id)
        : [];
  });
}

function verdicts(
  watching: readonly Watching[],
  made: readonly { readonly id: string; readonly partner_id: string | null }[],
): LiveVerdicts {
  const rows = new Map<string, Map<string, string>>();
  for (const { row, caller, followed } of watching) {
    const cells = rows.get(row) ?? new Map<string, string>();
    rows.set(row, cells.set(caller.name, verdictOf(followed, caller, made)));
  }
  return rows;
}

function verdictOf(
  followed: Watching['followed'],
  { partnerId }: Caller,
  made: readonly { readonly id: string; readonly partner_id: string | null }[],
): string {
  const refusal = refusalOf(followed);
  if (refusal !== undefined) return refusal;
  const ids = [...new Set(toldOf(followed))];
  const own = made.filter((order) => order.partner_id === partnerId);
  const same = (orders: typeof made): boolean =>
    ids.length > 0 && orders.length === ids.length && orders.every(({ id }) => ids.includes(id));
  return same(made) ? 'all' : same(own) ? 'own' : `others: ${ids.join()}`;
}

/** A WebSocket is closed with a code, events are refused by a status, and an operation by an error. */
function refusalOf({ end, told }: Watching['followed']): string | undefined {
  const error = end?.error as { code?: number; response?: { status: number } } | undefined;
  if (error?.code === 4401 || error?.response?.status === 401) return '401';
  if (error?.response?.status === 403 || JSON.stringify([error, told]).includes('FORBIDDEN')) return '403';
  return end && JSON.stringify(end);
}

/** What each of `CALLERS` must be told. */
export const LIVE_EXPECTED: readonly string[] = CALLERS.map((name) =>
  name === 'anonymous' ? '401' : name === 'service' ? '403' : name.startsWith('partner') ? 'own' : 'all',
);
