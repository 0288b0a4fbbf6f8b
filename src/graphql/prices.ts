import type { Minutes } from '../units.js';

/**
 * What the parts of an operation cost, in points. One point is about what reading one cached hour of orders costs the gateway,
 * or a row of 100 fields. docs/security.md lists them: whoever writes an operation can know its price beforehand.
 */
export const PRICES = {
  /** Any operation, and each field at its root. */
  operation: 1,
  root: 1,
  /** Each hour of a window, begun ones included. */
  hour: 1,
  /** Each field of each order, and of anything else. */
  field: 0.01,
  /** Each order's file: a look-up in the cache, or a request to the file store. */
  file: 0.25,
  /** A signed URL. */
  url: 0.05,
  /** A transaction, and each order that it changes. */
  mutation: 10,
  change: 1,
  /** A page of the audit log, which is never cached. */
  audit: 10,
  /** The begin of a subscription. */
  subscription: 10,
} as const;

/** How many orders a window is taken to hold before it is read; `first` makes it fewer. */
export const ORDERS_PER_MINUTE = 10;
/** What today's list is taken to span. */
export const TODAY: Minutes = 24 * 60;

/** Fields that cost more than any other. */
export const FIELD_PRICES: Readonly<Record<string, number>> = {
  'Order.file': PRICES.file,
  'File.url': PRICES.url,
  'Query.auditLog': PRICES.audit,
};

/** Fields that answer the rows of a page: what is below them is paid for each row. */
export const ROW_FIELDS: ReadonlySet<string> = new Set([
  'OrderConnection.nodes',
  'OrderConnection.edges',
  'AuditConnection.nodes',
  'AuditConnection.edges',
]);

/** How many items other lists are taken to have. */
export const LIST_SIZES: Readonly<Record<string, number>> = {
  'Query.windowLevels': 62,
  'AuditConnection.nodes': 200,
  'AuditConnection.edges': 200,
  'DayLevel.costs': 3,
  '__Schema.types': 60,
  '__Schema.directives': 6,
  '__Type.fields': 12,
  '__Type.enumValues': 10,
  '__Type.inputFields': 4,
  '__Type.interfaces': 2,
  '__Type.possibleTypes': 2,
  '__Field.args': 3,
  '__Directive.args': 2,
  '__Directive.locations': 10,
};
