import { DATABASE_AFTERMATH } from './bounds.js';
import type { BreakerLog } from './breaker-log.js';
import { describeHistory, floorOf, statusOf, type Asked, type OrderHistory } from './history.js';
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
  let weaker = false;
  for (const part of read.plan.parts) {
    for (const [order, seen] of pairs(part, read.answer, problems)) {
      orders += 1;
      weaker = checkVersion(order, seen, asked, problems) || weaker;
    }
  }
  report.checked(boundOf(asked, weaker), orders);
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
function pairs(part: Part, answer: Answer, problems: string[][]): [OrderHistory, Seen][] {
  const value = answer.data?.[part.field];
  if (part.kind === 'list') {
    const { totalCount, pageInfo, nodes } = value as SeenList;
    const same = nodes.length === part.expected.length && nodes.every(({ id }, index) => id === part.expected[index]?.id);
    if (!same) problems.push(['the list must hold exactly the orders of its window, newest first', ...differences(part, nodes)]);
    if (totalCount !== nodes.length || pageInfo.hasNextPage) problems.push([`totalCount is ${totalCount} of ${nodes.length}`]);
    const byId = new Map(part.expected.map((order) => [order.id, order]));
    return nodes.flatMap((seen) => {
      const order = byId.get(seen.id);
      return order ? [[order, seen] as [OrderHistory, Seen]] : [];
    });
  }
  const [order] = part.expected;
  if (order && value) return [[order, value as Seen]];
  problems.push([`order ${order?.id ?? '?'} exists, but was answered as null`]);
  return [];
}

function differences({ expected }: Part, nodes: readonly Seen[]): string[] {
  const seen = new Set(nodes.map(({ id }) => id));
  const wanted = new Set(expected.map(({ id }) => id));
  const missing = expected.filter(({ id }) => !seen.has(id));
  const extra = nodes.filter(({ id }) => !wanted.has(id));
  return [`missing: ${missing.map(({ id }) => id).join(' ')}; too much: ${extra.map(({ id }) => id).join(' ')}`];
}

/** Answers whether the order had to be judged by less than the newest version that was acknowledged. */
function checkVersion(order: OrderHistory, seen: Seen, asked: Asked, problems: string[][]): boolean {
  const { least, acknowledged } = floorOf(order, asked);
  const most = 1 + order.attempts;
  const told = `version ${seen.version} of order ${order.id} was read`;
  if (seen.version < least) problems.push([`${told}, but must be at least ${least}`, ...describeHistory(order)]);
  if (seen.version > most) problems.push([`${told}, but nobody tried to make more than ${most}`, ...describeHistory(order)]);
  const status = statusOf(seen.version);
  if (status !== seen.status) {
    problems.push([`${told} with the status ${seen.status}, but that version is ${status}`, ...describeHistory(order)]);
  }
  order.seen = Math.max(order.seen, seen.version);
  return least < acknowledged;
}

function boundOf({ outcomes }: Asked, weaker: boolean): Bound {
  if (outcomes.has('stale')) return 'stale';
  if (outcomes.has('reused')) return 'reused';
  return weaker ? 'pending or lost renewal' : 'exact';
}

function describeRead({ name, began, plan, answer }: AnsweredRead): string {
  const query = plan.query.length > 300 ? `${plan.query.slice(0, 300)}…` : plan.query;
  const outcomes = JSON.stringify(answer.extensions?.cache?.outcomes);
  return `  read of ${name} from ${began.toFixed(1)} ms to ${performance.now().toFixed(1)} ms, ${outcomes}: ${query}`;
}
