import { ORDER_STATUSES, type OrderStatus } from '../src/orders/order.js';
import { checkChange, nextStatuses } from '../src/orders/status-flow.js';
import { errorWith, idOf } from './support/orders.js';

/** From a row's status to a column's, in the order of the rows; `+`: may be done. */
const FLOW: Record<OrderStatus, string> = {
  INITIATED: /*              */ '.++++++++++',
  FILE_UPLOADED: /*          */ '..+++++++++',
  SUBMITTED: /*              */ '...++++++++',
  PRICE_CALCULATED: /*       */ '....+++++++',
  MANUFACTURING_APPROVED: /* */ '.....++++++',
  MANUFACTURING_STARTED: /*  */ '......+++++',
  MANUFACTURING_COMPLETED: /**/ '.......++++',
  PACKAGING: /*              */ '........+++',
  SHIPPED: /*                */ '.........+.',
  CLOSED: /*                 */ '...........',
  CANCELLED: /*              */ '...........',
};

const STATUSES = Object.keys(FLOW) as OrderStatus[];
const PAIRS = STATUSES.flatMap((from) => STATUSES.map((to, column) => ({ from, to, allowed: FLOW[from][column] === '+' })));
const id = idOf(7);

describe('the status flow', () => {
  test('has eleven statuses, in this order', () => expect(ORDER_STATUSES).toEqual(STATUSES));

  test.each(PAIRS)('$from → $to: $allowed', ({ from, to, allowed }) => {
    const change = () => checkChange({ id, status: to }, { status: from, version: 1 });
    expect(nextStatuses(from).includes(to)).toBe(allowed);
    if (allowed) expect(change).not.toThrow();
    else expect(change).toThrow(errorWith({ code: 'INVALID_TRANSITION' }));
  });

  test.each([
    ['PACKAGING', 'SUBMITTED', 'cannot go from PACKAGING to SUBMITTED; it can go to: SHIPPED, CLOSED, CANCELLED.'],
    ['SHIPPED', 'CANCELLED', 'cannot go from SHIPPED to CANCELLED; it can go to: CLOSED.'],
    ['SUBMITTED', 'SUBMITTED', 'cannot go from SUBMITTED to SUBMITTED; it can go to: PRICE_CALCULATED, '],
    ['CLOSED', 'CANCELLED', 'cannot go from CLOSED to CANCELLED; nothing follows CLOSED.'],
    ['CANCELLED', 'INITIATED', 'cannot go from CANCELLED to INITIATED; nothing follows CANCELLED.'],
  ] as const)('%s → %s is refused with the order and what would do', (from, to, message) => {
    expect(() => checkChange({ id, status: to }, { status: from, version: 1 })).toThrow(`Order ${id} ${message}`);
  });
});

describe('an expected version', () => {
  const now = { status: 'PACKAGING', version: 7 } as const;

  test.each([6, 8, 0, -1])('%i that is not the current one is a conflict', (expectedVersion) => {
    expect(() => checkChange({ id, status: 'SHIPPED', expectedVersion }, now)).toThrow(
      errorWith({
        code: 'CONFLICT',
        message: `Order ${id} has version 7 by now, but version ${expectedVersion} was expected; read it again.`,
      }),
    );
  });

  test('is judged before the status: who has seen an old order hears of that first', () => {
    const change = { id, status: 'INITIATED' } as const;
    expect(() => checkChange({ ...change, expectedVersion: 6 }, now)).toThrow(errorWith({ code: 'CONFLICT' }));
    expect(() => checkChange({ ...change, expectedVersion: 7 }, now)).toThrow(errorWith({ code: 'INVALID_TRANSITION' }));
  });

  test.each([7, undefined])('%s lets the change pass', (expectedVersion) => {
    expect(() => checkChange({ id, status: 'SHIPPED', expectedVersion }, now)).not.toThrow();
  });
});
