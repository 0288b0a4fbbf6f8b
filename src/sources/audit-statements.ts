import type { Act } from '../audit/audit.js';
import type { Order } from '../orders/order.js';
import { ORDER_SELECTION } from './order-row.js';

/**
 * Answers orders as they are now, locked, and takes down in the same statement what has become of each.
 * Bindings: ids, then those of `recordBindings`.
 */
export const RECORDED_SELECTION = `with changed as (
    select ${ORDER_SELECTION} from orders where id = any(?::uuid[]) order by orders.id for update
  ), recorded as (
    insert into orders_audit (way, subject, role, partner_id, request_id,
      order_id, order_number, status_before, status_after, version_before, version_after)
    select ?::text, ?::text, ?::text, ?::text, ?::text, changed.id::uuid, number, was.status, changed.status, was.version, changed.version
    from unnest(?::text[], ?::text[], ?::int[]) with ordinality as was (id, status, version, place) join changed using (id)
    order by place
  )
  select * from changed`;

/** Several files of one act. Bindings: those of `actBindings`, paths, ETags before, ETags after; no ETag is an empty text. */
export const RECORD_FILES = `insert into orders_audit (way, subject, role, partner_id, request_id, file_path, etag_before, etag_after)
  select ?::text, ?::text, ?::text, ?::text, ?::text, path, nullif(etag_before, ''), nullif(etag_after, '')
  from unnest(?::text[], ?::text[], ?::text[]) with ordinality as file (path, etag_before, etag_after, place) order by place`;

export function recordBindings(act: Act, before: readonly Order[]) {
  return [
    ...actBindings(act),
    before.map(({ id }) => id),
    before.map(({ status }) => status),
    before.map(({ version }) => version),
  ];
}

/** Way, subject, role, partner, id of the request. */
export function actBindings({ viewer, requestId, way }: Act): [string, string, string, string | null, string] {
  const subject = viewer.role === 'anonymous' ? '' : viewer.subject;
  return [way, subject, viewer.role, viewer.role === 'partner' ? viewer.partnerId : null, requestId];
}
