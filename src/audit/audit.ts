import type { Viewer } from '../access/viewer.js';
import type { OrderStatus } from '../orders/order.js';
import type { EpochMilliseconds } from '../units.js';
import type { AuditPosition } from './cursor.js';

/** How a change came to the gateway: a mutation, an upload through it, an event of the file store. */
export type AuditWay = 'MUTATION' | 'UPLOAD' | 'EVENT';

/** Who changes something, and by what. */
export interface Act {
  readonly viewer: Viewer;
  /** As the log and the header `x-request-id` have it. */
  readonly requestId: string;
  readonly way: AuditWay;
}

/** A file that was written or deleted. ETags as HTTP has them; `null`: there was none, or it is not known. */
export interface FileChange {
  readonly path: string;
  readonly etagBefore: string | null;
  readonly etagAfter: string | null;
}

/** Takes down changes of files when they are made. Status changes are taken down by the statement that reads them back. */
export interface FileAudit {
  /** To be awaited before the change is acknowledged. Never rejects: a file cannot be changed back because of its record. */
  filesChanged(act: Act, changes: readonly FileChange[]): Promise<void>;
}

/** One record of the audit log. Exactly one of `orderChange` and `fileChange` is there. */
export interface AuditEntry extends AuditPosition {
  /** By the clock of the database. */
  readonly at: EpochMilliseconds;
  readonly way: AuditWay;
  readonly subject: string;
  readonly role: string;
  readonly partnerId: string | null;
  readonly requestId: string;
  readonly orderChange: AuditedOrderChange | null;
  readonly fileChange: FileChange | null;
}

export interface AuditedOrderChange {
  readonly orderId: string;
  readonly number: string;
  readonly statusBefore: OrderStatus;
  readonly statusAfter: OrderStatus;
  readonly versionBefore: number;
  readonly versionAfter: number;
}

/** Which records are wanted: all that fit every one of these. */
export interface AuditFilter {
  readonly orderId?: string | undefined;
  readonly filePath?: string | undefined;
  /** The subject of whoever made the change. */
  readonly actor?: string | undefined;
  /** Included. */
  readonly from?: EpochMilliseconds | undefined;
  /** Excluded. */
  readonly to?: EpochMilliseconds | undefined;
}

/** A part of the log, newest first: at most `limit` records that come after `after`. */
export interface AuditRequest extends AuditFilter {
  readonly limit: number;
  readonly after: AuditPosition | undefined;
}
