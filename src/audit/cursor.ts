import { GatewayError, quoted } from '../errors.js';

/** A place in the log, which is in the order of time and, within one microsecond, of `id`. Both have digits only. */
export interface AuditPosition {
  /** Microseconds since 1970, as the database has the time: a number of JavaScript may be too coarse. */
  readonly micros: string;
  readonly id: string;
}

const FORM = /^a1:(\d{1,16}):(\d{1,18})$/;

/** Opaque to clients: base64url. */
export function encodeAuditCursor({ micros, id }: AuditPosition): string {
  return Buffer.from(`a1:${micros}:${id}`).toString('base64url');
}

/** @throws GatewayError BAD_USER_INPUT for anything that `encodeAuditCursor` did not make */
export function decodeAuditCursor(cursor: string): AuditPosition {
  const [, micros = '', id = ''] = FORM.exec(Buffer.from(cursor, 'base64url').toString()) ?? [];
  if (id !== '' && encodeAuditCursor({ micros, id }) === cursor) return { micros, id };
  throw new GatewayError(
    'BAD_USER_INPUT',
    `"after" must be a cursor that an earlier answer gave (pageInfo.endCursor or edges.cursor), but got: ${quoted(cursor)}.`,
  );
}
