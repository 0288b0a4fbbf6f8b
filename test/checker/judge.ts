import { DATABASE_AFTERMATH } from './bounds.js';
import type { BreakerLog } from './breaker-log.js';
import { createdAtOf, describeHistory, floorOf, placesFrom, statusOf, type Asked, type OrderHistory } from './history.js';
import type { Answer } from './http-client.js';
import type { Instance } from './instance.js';
import type { Part, Plan } from './plan.js';
import type { Bound, Report } from './report.js';

interface Seen {
  readonly id: string;
  readonly version: number;
  readonly status: string;
}

interface SeenList {
  readonly totalCount: number;
  readonly pageInfo: { readonly hasNextPage: boolean };
  readonly nodes: readonly Seen[];
}

type Floor = ReturnType<typeof floorOf>;

/** A read that was answered. The process that was asked may have been replaced since. */
export interface AnsweredRead {
  readonly instance: Instance;
  readonly name: string;
  readonly breaker: BreakerLog;
  readonly began: number;
  readonly plan: Plan;
  readonly answer: Answer;
}

/** Checks everything that an answer says against all that is known, and counts it in the report. */
export function judge(read: AnsweredRead, report: Report): void {
  const problems: string[][] = [];
  const asked = askedOf(read);
  checkOutcomes(read, asked, problems);
  let orders = 0;
  const floors: Floor[] = [];
  for (const part of read.plan.parts) {
    for (const [order, seen] of pairs(part, read.answer, asked, problems)) {
      orders += 1;
      floors.push(checkVersion(order, seen, asked, problems));
    }
  }
  report.checked(boundOf(asked, floors), orders);
  for (const [first = '', ...more] of problems) report.violation(`VIOLATION: ${first}`, describeRead(read), ...more);
}

function askedOf({ name, breaker, began, answer }: AnsweredRead): Asked {
  const counts = Object.values(answer.extensions?.cache?.outcomes ?? {});
  return { began, by: name, outcomes: new Set(counts.flatMap(Object.keys)), storeAnswered: breaker.closedSince(began) };
}

/** The outcomes say by which bounds to judge; so there must be a reason for each that is weaker. */
function checkOutcomes(
  { instance, answer }: AnsweredRead,
  { began, outcomes, storeAnswered }: Asked,
  problems: string[][],
): void {
  if (outcomes.size === 0) problems.push(['an answer must tell its outcomes']);
  const isMarked = answer.extensions?.cache?.stale ?? false;
  if (isMarked !== outcomes.has('stale')) problems.push(['what is stale must be marked, and nothing else']);
  const isAway = instance.databaseTrouble.touches(began, performance.now(), DATABASE_AFTERMATH);
  if (outcomes.has('stale') && !isAway) problems.push(['a stale answer, although the database was not away']);
  if (outcomes.has('reused') && storeAnswered) problems.push(['a load was used again, although the store answered all the time']);
}

/** The orders of one field with what was answered of each; complains of what is missing, too much or out of order. */
function pairs(part: Part, answer: Answer, asked: Asked, problems: string[][]): [OrderHistory, Seen][] {
  const value = answer.data?.[part.field];
  if (part.kind === 'list') return listed(part, value as SeenList, asked, problems);
  const [order] = part.expected;
  if (order && value) return [[order, value as Seen]];
  problems.push([`order ${order?.id ?? '?'} exists, but was answered as null`]);
  return [];
}

/**
 * A list must hold every order that is in its window whatever version of it may be answered, at the place of the version that
 * is answered. An order that was moved and may be answered in either place can be in the list once, never, or, as the
 * list is put together of tiles, twice.
 */
function listed(
  part: Part,
  { totalCount, pageInfo, nodes }: SeenList,
  asked: Asked,
  problems: string[][],
): [OrderHistory, Seen][] {
  const byId = new Map(part.expected.map((order) => [order.id, order]));
  const found = nodes.flatMap((seen) => {
    const order = byId.get(seen.id);
    return order && isIn(part, createdAtOf(order, seen.version)) ? [[order, seen] as [OrderHistory, Seen]] : [];
  });
  const extra = nodes.filter(({ id, version }) => !found.some(([, seen]) => seen.id === id && seen.version === version));
  const present = new Set(nodes.map(({ id }) => id));
  const missing = part.expected.filter((order) => !present.has(order.id) && isDue(part, order, asked));
  if (extra.length > 0 || missing.length > 0 || !isNewestFirst(found)) {
    const differences = `missing: ${missing.map(({ id }) => id).join(' ')}; too much: ${extra.map(({ id }) => id).join(' ')}`;
    const histories = missing.slice(0, 1).flatMap(describeHistory);
    problems.push(['the list must hold exactly the orders of its window, newest first', differences, ...histories]);
  }
  if (totalCount !== nodes.length || pageInfo.hasNextPage) problems.push([`totalCount is ${totalCount} of ${nodes.length}`]);
  return found;
}

function isIn({ range }: Part, createdAt: number): boolean {
  return !range || (createdAt >= range.from && createdAt < range.to);
}

/** Whether the order is in the window, and nowhere else, in all versions that may be answered. */
function isDue(part: Part, order: OrderHistory, asked: Asked): boolean {
  const [place, ...others] = new Set(placesFrom(order, floorOf(order, asked).least));
  return place !== undefined && others.length === 0 && isIn(part, place);
}

function isNewestFirst(found: readonly [OrderHistory, Seen][]): boolean {
  const places = found.map(([order, { id, version }]) => ({ id, createdAt: createdAtOf(order, version) }));
  return places.every(({ id, createdAt }, index) => {
    const former = places[index - 1];
    return !former || former.createdAt > createdAt || (former.createdAt === createdAt && former.id > id);
  });
}

function checkVersion(order: OrderHistory, seen: Seen, asked: Asked, problems: string[][]): Floor {
  const floor = floorOf(order, asked);
  const { least } = floor;
  const most = 1 + order.attempts;
  const told = `version ${seen.version} of order ${order.id} was read`;
  if (seen.version < least) problems.push([`${told}, but must be at least ${least}`, ...describeHistory(order)]);
  if (seen.version > most) problems.push([`${told}, but nobody tried to make more than ${most}`, ...describeHistory(order)]);
  const status = statusOf(seen.version);
  if (status !== seen.status) {
    problems.push([`${told} with the status ${seen.status}, but that version is ${status}`, ...describeHistory(order)]);
  }
  order.seen = Math.max(order.seen, seen.version);
  return floor;
}

/** Some orders may have to be judged by less than the newest version that was there. */
function boundOf({ outcomes }: Asked, floors: readonly Floor[]): Bound {
  if (outcomes.has('stale')) return 'stale';
  if (outcomes.has('reused')) return 'reused';
  if (floors.some(({ least, acknowledged }) => least < acknowledged)) return 'pending or lost renewal';
  return floors.some(({ least, outside }) => least < outside) ? 'outside change on its way' : 'exact';
}

function describeRead({ name, began, plan, answer }: AnsweredRead): string {
  const query = plan.query.length > 300 ? `${plan.query.slice(0, 300)}…` : plan.query;
  const outcomes = JSON.stringify(answer.extensions?.cache?.outcomes);
  return `  read of ${name} from ${began.toFixed(1)} ms to ${performance.now().toFixed(1)} ms, ${outcomes}: ${query}`;
}
