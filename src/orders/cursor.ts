import { GatewayError, quoted } from '../errors.js';
import type { EpochMilliseconds } from '../units.js';

/** A place in the order of `newestFirst`. It stays right when orders come, go or change, because neither part changes. */
export interface Position {
  readonly createdAt: EpochMilliseconds;
  readonly id: string;
}

const FORM = /^o1:(\d{1,15}):([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

/** Opaque to clients: base64url. */
export function encodeCursor({ createdAt, id }: Position): string {
  return Buffer.from(`o1:${createdAt}:${id}`).toString('base64url');
}

/** @throws GatewayError BAD_USER_INPUT for anything that `encodeCursor` did not make */
export function decodeCursor(cursor: string): Position {
  const match = FORM.exec(Buffer.from(cursor, 'base64url').toString());
  const position = { createdAt: Number(match?.[1]), id: match?.[2] ?? '' };
  if (match && encodeCursor(position) === cursor) return position;
  throw new GatewayError(
    'BAD_USER_INPUT',
    `"after" must be a cursor that an earlier answer gave (pageInfo.endCursor or edges.cursor), but got: ${quoted(cursor)}.`,
  );
}
