import type { Act, AuditedOrderChange, AuditEntry, AuditRequest, AuditWay, FileChange } from '../audit/audit.js';
import { GatewayError } from '../errors.js';
import type { OrderStatus } from '../orders/order.js';
import { actBindings, RECORD_FILES } from './audit-statements.js';
import { isRefusal } from './mes-database.js';
import { AUDIT_COLUMNS } from './migrations/003-audit.js';
import type { OrderRow } from './order-row.js';

type Binding = string | number | null | string[];

/** Runs one statement with `?` for bindings. @throws GatewayError SOURCE_UNAVAILABLE */
export type AuditQuery = (sql: string, bindings: readonly Binding[], signal?: AbortSignal) => Promise<readonly OrderRow[]>;

const COLUMNS = `id::text, (extract(epoch from at) * 1000000)::bigint::text as micros, way, subject, role, partner_id, request_id,
  order_id::text, order_number, status_before, status_after, version_before, version_after, file_path, etag_before, etag_after`;
/** Of the table or view that the name means. */
const FOUND = `select attname::text as name, format_type(atttypid, null) as type, quote_ident(current_user) as role,
    case when has_table_privilege(attrelid, 'insert') then 'yes' else 'no' end as may
  from pg_attribute where attrelid = to_regclass('orders_audit') and attnum > 0 and not attisdropped`;
/** Of microseconds; exact, unlike `to_timestamp`, whose seconds are a floating-point number. */
const MOMENT = `timestamptz 'epoch' + ?::bigint * interval '1 microsecond'`;

/** The table `orders_audit`: who changed which order or file, written once and never changed. */
export class AuditLog {
  constructor(private readonly query: AuditQuery) {}

  /** Why changes cannot be taken down in this database, and what helps; `undefined`: they can. @throws GatewayError */
  async problem(): Promise<string | undefined> {
    const columns = await this.query(FOUND, []);
    const [first] = columns;
    if (!first) return 'there is no table "orders_audit"; "npm run migrate" makes it';
    const types = new Map(columns.map(({ name, type }) => [name, type]));
    const wrong = AUDIT_COLUMNS.filter(([name, type]) => types.get(name) !== type).map(([name, type]) => `${name} ${type}`);
    if (wrong.length > 0) return `the table "orders_audit" is another one; it should have: ${wrong.join(', ')}`;
    if (first.may === 'yes') return undefined;
    return `the role of MES_DATABASE_URL may not write to "orders_audit"; its owner gives that by: grant select, insert on orders_audit to ${String(first.role)};`;
  }

  /** At most `limit` records, newest first; one statement. @throws GatewayError SOURCE_UNAVAILABLE */
  async page(request: AuditRequest, signal?: AbortSignal): Promise<AuditEntry[]> {
    const { where, bindings } = conditions(request);
    const sql = `select ${COLUMNS} from orders_audit where ${where} order by orders_audit.at desc, orders_audit.id desc limit ?`;
    const rows = await this.query(sql, [...bindings, request.limit], signal).catch((error: unknown) => {
      throw isRefusal(error)
        ? new GatewayError('SOURCE_UNAVAILABLE', 'This gateway has no audit log to read.', { cause: error })
        : error;
    });
    return rows.map(toEntry);
  }

  /** One statement for any number of files. @throws GatewayError SOURCE_UNAVAILABLE */
  async recordFiles(act: Act, changes: readonly FileChange[]): Promise<void> {
    await this.query(RECORD_FILES, [
      ...actBindings(act),
      changes.map(({ path }) => path),
      changes.map(({ etagBefore }) => etagBefore ?? ''),
      changes.map(({ etagAfter }) => etagAfter ?? ''),
    ]);
  }
}

function conditions({ orderId, filePath, actor, from, to, after }: AuditRequest): { where: string; bindings: Binding[] } {
  const parts: [string, ...Binding[]][] = [];
  if (orderId !== undefined) parts.push(['order_id = ?::uuid', orderId]);
  if (filePath !== undefined) parts.push(['file_path = ?', filePath]);
  if (actor !== undefined) parts.push(['subject = ?', actor]);
  if (from !== undefined) parts.push(['at >= ?::timestamptz', new Date(from).toISOString()]);
  if (to !== undefined) parts.push(['at < ?::timestamptz', new Date(to).toISOString()]);
  if (after) parts.push([`(at, id) < (${MOMENT}, ?::bigint)`, after.micros, after.id]);
  return {
    where: parts.map(([sql]) => sql).join(' and ') || 'true',
    bindings: parts.flatMap(([, ...bindings]) => bindings),
  };
}

function toEntry(row: OrderRow): AuditEntry {
  const micros = String(row.micros);
  return {
    micros,
    id: String(row.id),
    at: Math.floor(Number(micros) / 1_000),
    way: row.way as AuditWay,
    subject: String(row.subject),
    role: String(row.role),
    partnerId: textOrNull(row.partner_id),
    requestId: String(row.request_id),
    orderChange: row.order_id === null ? null : toOrderChange(row),
    fileChange:
      row.file_path === null
        ? null
        : { path: String(row.file_path), etagBefore: textOrNull(row.etag_before), etagAfter: textOrNull(row.etag_after) },
  };
}

function toOrderChange(row: OrderRow): AuditedOrderChange {
  return {
    orderId: String(row.order_id),
    number: String(row.order_number),
    statusBefore: row.status_before as OrderStatus,
    statusAfter: row.status_after as OrderStatus,
    versionBefore: Number(row.version_before),
    versionAfter: Number(row.version_after),
  };
}

function textOrNull(value: OrderRow[string] | undefined): string | null {
  return typeof value === 'string' ? value : null;
}
