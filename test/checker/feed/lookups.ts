import { post } from '../http-client.js';
import { describeFailure } from '../reader.js';
import type { Place } from './place.js';

/** An operation has at most so many fields at its root. */
export const BATCH = 100;

const numbers = Array.from({ length: BATCH }, (_, index) => index);
/** One text for all batches, so that gateways compile it once. */
const MANY = `query(${numbers.map((n) => `$i${n}: ID!`).join()}) { ${numbers.map((n) => `o${n}: order(id: $i${n}) { version }`).join(' ')} }`;
const ONE = 'query($i0: ID!) { o0: order(id: $i0) { version } }';
const WINDOW = 'query($from: DateTime!, $minutes: Int!) { orders(createdBy: $from, window: $minutes) { nodes { id version } } }';

/** The versions of up to BATCH orders as this gateway shows them, `null` for none; `undefined`: no answer. */
export async function lookUpOrders(place: Place, token: string, ids: readonly string[]): Promise<(number | null)[] | undefined> {
  const asked = ids.length === 1 ? [0] : numbers;
  const variables = Object.fromEntries(asked.map((n) => [`i${n}`, ids[n] ?? ids[0]]));
  const answer = await post(place.process.port, token, ids.length === 1 ? ONE : MANY, variables);
  if (answer.status !== 200 || answer.errors || !answer.data) return undefined;
  const { data } = answer;
  return ids.map((_, n) => (data[`o${n}`] as { version: number } | null)?.version ?? null);
}

/** Whether this gateway answers the order from an entry that is valid now. */
export async function isHit(place: Place, token: string, id: string): Promise<boolean> {
  const answer = await post(place.process.port, token, ONE, { i0: id });
  if (answer.status === 'none') return false;
  const outcomes = Object.values(answer.extensions?.cache?.outcomes ?? {}).flatMap(Object.keys);
  return outcomes.length > 0 && outcomes.every((outcome) => outcome.startsWith('hit-'));
}

/** Version by id of all orders in a window as this gateway shows them; or why there is no answer. */
export async function lookUpWindow(place: Place, token: string, from: number, minutes: number) {
  const answer = await post(place.process.port, token, WINDOW, { from: new Date(from).toISOString(), minutes });
  if (answer.status !== 200 || answer.errors || !answer.data) return describeFailure(answer);
  const { nodes } = answer.data['orders'] as { nodes: readonly { id: string; version: number }[] };
  return new Map(nodes.map(({ id, version }) => [id, version]));
}
