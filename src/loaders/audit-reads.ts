import { authorise } from '../access/policy.js';
import type { Viewer } from '../access/viewer.js';
import type { AuditEntry, AuditFilter, AuditRequest } from '../audit/audit.js';
import { decodeAuditCursor } from '../audit/cursor.js';
import type { Trace } from '../cache/outcome.js';
import { GatewayError } from '../errors.js';
import { parseFilePath } from '../files/path.js';
import { checkedOrderId } from '../orders/order.js';
import type { EpochMilliseconds } from '../units.js';
import type { AnswerNotes } from './order-reads.js';

/** The most records in one answer. */
const PAGE_MAX = 200;
const PAGE = 50;
const ACTOR_MAX = 256;
const LATEST = Date.parse('9999-12-31T23:59:59.999Z');

export interface AuditArguments extends AuditFilter {
  readonly first?: number | undefined;
  readonly after?: string | undefined;
}

/** One page of the log: what `AuditConnection` shows. */
export interface AuditPage {
  /** Newest first. */
  readonly entries: readonly AuditEntry[];
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
}

/** Reads the log on behalf of a party; see `LoadGate`. */
export type ReadAudit = (request: AuditRequest, party: string | undefined, signal: AbortSignal) => Promise<AuditEntry[]>;

/** What one viewer reads of the audit log. It is never cached. */
export class AuditReads {
  constructor(
    private readonly viewer: Viewer,
    private readonly read: ReadAudit,
    private readonly operation: {
      readonly trace: Trace;
      readonly notes: Pick<AnswerNotes, 'onlyNow'>;
      readonly signal: AbortSignal;
    },
  ) {}

  /** @throws GatewayError BAD_USER_INPUT, UNAUTHENTICATED, FORBIDDEN, SOURCE_UNAVAILABLE */
  async page({ first, after, ...filter }: AuditArguments): Promise<AuditPage> {
    const { trace, notes, signal } = this.operation;
    authorise(this.viewer, 'read-audit');
    notes.onlyNow();
    const limit = checkedFirst(first);
    const position = after === undefined ? undefined : decodeAuditCursor(after);
    const request = { ...checkedFilter(filter), limit: limit + 1, after: position };
    trace.sqlStatement();
    const found = await this.read(request, trace.party, signal);
    return { entries: found.slice(0, limit), hasNextPage: found.length > limit, hasPreviousPage: position !== undefined };
  }
}

function checkedFirst(first: number = PAGE): number {
  if (first >= 1 && first <= PAGE_MAX) return first;
  throw new GatewayError('BAD_USER_INPUT', `"first" must be 1 to ${PAGE_MAX}, but got: ${first}.`);
}

function checkedFilter({ orderId, filePath, actor, from, to }: AuditFilter): AuditFilter {
  if (actor !== undefined && (actor.length > ACTOR_MAX || actor.includes('\0'))) {
    throw new GatewayError(
      'BAD_USER_INPUT',
      `"actor" must be the subject of a token: at most ${ACTOR_MAX} characters, none of them NUL.`,
    );
  }
  if (from !== undefined && to !== undefined && to <= from)
    throw new GatewayError('BAD_USER_INPUT', '"to" must be after "from".');
  return {
    orderId: orderId === undefined ? undefined : checkedOrderId(orderId, 'orderId'),
    filePath: filePath === undefined ? undefined : parseFilePath(filePath, '"filePath"'),
    actor,
    from: knownTime(from),
    to: knownTime(to),
  };
}

/** Nothing is recorded before 1970 or after 9999. The database has no year 0, and reads no year of five digits in ISO 8601. */
function knownTime(time: EpochMilliseconds | undefined): EpochMilliseconds | undefined {
  return time === undefined ? undefined : Math.min(Math.max(time, 0), LATEST);
}
