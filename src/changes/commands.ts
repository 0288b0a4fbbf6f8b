import type { Readable } from 'node:stream';
import { authorise } from '../access/policy.js';
import type { Viewer } from '../access/viewer.js';
import type { Act, AuditWay, FileAudit } from '../audit/audit.js';
import type { Trace } from '../cache/outcome.js';
import type { Renewals } from '../cache/renewals.js';
import { GatewayError } from '../errors.js';
import { PutUnconfirmedError, type FileSource, type PutOptions, type PutResult } from '../files/file.js';
import { fileTokenKey } from '../files/keys.js';
import { parseFilePath } from '../files/path.js';
import { checkedOrderId, type Order } from '../orders/order.js';
import type { PlantCalendar } from '../orders/plant-day.js';
import type { StatusChange } from '../orders/status-flow.js';
import { UnknownOutcomeError } from '../orders/unknown-outcome.js';
import type { Minutes } from '../units.js';
import { touchedTokens, type OrderChange } from './touched.js';

/** The most orders that one mutation changes. */
const CHANGES_MAX = 500;

export interface CommandParts {
  /**
   * Commits all changes or none, with what the audit log says of them, and answers each order before and after, in the order
   * of `changes`.
   * @throws UnknownOutcomeError if it is not known which
   */
  readonly changeStatuses: (
    changes: readonly StatusChange[],
    origin: string | undefined,
    act: Act,
  ) => Promise<readonly { before: Order; after: Order }[]>;
  readonly putFile: FileSource['put'];
  readonly renewals: Pick<Renewals, 'renew'>;
  readonly origins: {
    /** Marks one change as this gateway's own; `undefined`: nobody looks for marks. */
    next(): string | undefined;
    /** Its renewal, which was of these orders, was acknowledged. Never rejects. */
    tickOff(origin: string, orderIds: readonly string[]): Promise<void>;
  };
  readonly audit: FileAudit;
  readonly levels: readonly Minutes[];
  readonly calendar: PlantCalendar;
}

/** What one caller may ask for; bound to who asks and to the trace of the operation. */
export interface ViewerCommands {
  /**
   * Moves orders in the status flow, all or none.
   * @throws GatewayError UNAUTHENTICATED, FORBIDDEN, BAD_USER_INPUT, NOT_FOUND, CONFLICT, INVALID_TRANSITION, SOURCE_UNAVAILABLE
   */
  changeStatuses(changes: readonly StatusChange[]): Promise<Order[]>;
  /**
   * The file at `path` was written or deleted in the store.
   * @param reread gives the file as it is then, for the audit log
   * @throws GatewayError UNAUTHENTICATED, FORBIDDEN, BAD_USER_INPUT
   */
  fileChanged(path: string, reread: () => Promise<{ readonly etag: string } | null>): Promise<void>;
  /**
   * The same of many, by paths that were parsed. `pending`: the cache could not be told yet, so it must not be acknowledged.
   * @throws GatewayError UNAUTHENTICATED, FORBIDDEN
   */
  filesChanged(paths: readonly string[]): Promise<'renewed' | 'pending'>;
  /**
   * Makes `body` the file at `path`, a path that was parsed. A viewer who may do so has it consumed or destroyed in any case.
   * @throws GatewayError UNAUTHENTICATED, FORBIDDEN, and all that `FileSource.put` throws
   */
  putFile(path: string, body: Readable, options: PutOptions): Promise<PutResult>;
}

/**
 * Everything that changes something. Invariant: a command is acknowledged only after the change was committed and the
 * tokens that it touches were renewed, in this order; so whoever reads after the acknowledgement gets the change.
 */
export class Commands {
  constructor(private readonly parts: CommandParts) {}

  /**
   * @param requestId names the request in the audit log
   * @param way how what is changed came here
   */
  of(viewer: Viewer, trace: Trace, requestId: string, way: AuditWay = 'MUTATION'): ViewerCommands {
    const act: Act = { viewer, requestId, way };
    return {
      changeStatuses: async (changes) => {
        authorise(viewer, 'change-orders');
        const checked = checkedChanges(changes);
        trace.sqlStatement();
        const origin = this.parts.origins.next();
        const changed = await this.parts.changeStatuses(checked, origin, act).catch(async (error: unknown) => {
          // A change that may have been made must not stay hidden behind old entries. It is not ticked off, for it may yet come.
          if (error instanceof UnknownOutcomeError) await this.renew(error.changes, trace);
          throw error;
        });
        const renewed = await this.renew(changed, trace);
        const ids = checked.map(({ id }) => id);
        if (renewed === 'renewed' && origin !== undefined) void this.parts.origins.tickOff(origin, ids);
        return changed.map(({ after }) => after);
      },
      fileChanged: async (path, reread) => {
        authorise(viewer, 'announce-files');
        const parsed = parseFilePath(path, '"path"');
        await this.parts.renewals.renew([fileTokenKey(parsed)], trace);
        const etagAfter = await reread().then(
          (file) => file?.etag ?? null,
          () => null,
        );
        await this.parts.audit.filesChanged(act, [{ path: parsed, etagBefore: null, etagAfter }]);
      },
      filesChanged: async (paths) => {
        authorise(viewer, 'announce-files');
        const renewed = await this.parts.renewals.renew(paths.map(fileTokenKey), trace);
        const changes = paths.map((path) => ({ path, etagBefore: null, etagAfter: null }));
        if (renewed === 'renewed') await this.parts.audit.filesChanged(act, changes);
        return renewed;
      },
      putFile: async (path, body, options) => {
        authorise(viewer, 'write-files');
        const renew = () => this.parts.renewals.renew([fileTokenKey(path)], trace);
        const record = (etagBefore: string | null, etagAfter: string | null) =>
          this.parts.audit.filesChanged(act, [{ path, etagBefore, etagAfter }]);
        const made = await this.parts.putFile(path, body, options).catch(async (error: unknown) => {
          if (error instanceof PutUnconfirmedError) await Promise.all([renew(), record(error.etagBefore, null)]);
          throw error;
        });
        await Promise.all([renew(), record(made.etagBefore, made.metadata.etag)]);
        return made;
      },
    };
  }

  private renew(changes: readonly OrderChange[], trace: Trace): Promise<'renewed' | 'pending'> {
    return this.parts.renewals.renew(touchedTokens(changes, this.parts.levels, this.parts.calendar), trace);
  }
}

function checkedChanges(changes: readonly StatusChange[]): StatusChange[] {
  if (changes.length === 0 || changes.length > CHANGES_MAX) {
    throw new GatewayError('BAD_USER_INPUT', `"changes" must hold 1 to ${CHANGES_MAX} changes, but holds: ${changes.length}.`);
  }
  const checked = changes.map((change) => ({ ...change, id: checkedOrderId(change.id) }));
  const ids = new Set<string>();
  for (const { id } of checked) {
    if (ids.has(id)) throw new GatewayError('BAD_USER_INPUT', `"changes" must name each order once, but names ${id} twice.`);
    ids.add(id);
  }
  return checked;
}
