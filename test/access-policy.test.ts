import { authorise, maySeeOrder, sightOf } from '../src/access/policy.js';
import { RIGHTS, type Action } from '../src/access/rights.js';
import type { Viewer } from '../src/access/viewer.js';
import { errorWith, orderOf } from './support/orders.js';

const VIEWERS: Record<string, Viewer> = {
  operator: { role: 'operator', subject: 'ada' },
  'read-only operator': { role: 'operator', subject: 'eve', readOnly: true },
  partner: { role: 'partner', subject: 'bob', partnerId: 'partner-a' },
  service: { role: 'service', subject: 'store' },
  anonymous: { role: 'anonymous' },
};

const OWN = { partnerId: 'partner-a' };

/** Stated apart from `RIGHTS`: what each viewer sees by an action, in the order of `VIEWERS`. */
const TABLE: Record<Action, readonly unknown[]> = {
  'read-orders': ['all', 'all', OWN, 'none', 'none'],
  'watch-orders': ['all', 'all', OWN, 'none', 'none'],
  'read-files': ['all', 'all', OWN, 'all', 'none'],
  'read-levels': ['all', 'all', 'none', 'none', 'none'],
  'read-costs': ['all', 'all', 'none', 'all', 'none'],
  'read-audit': ['all', 'all', 'none', 'none', 'none'],
  'change-orders': ['all', 'refused', 'none', 'none', 'none'],
  'announce-files': ['all', 'refused', 'none', 'all', 'none'],
  'write-files': ['all', 'refused', 'none', 'all', 'none'],
};

const CASES = Object.entries(TABLE).flatMap(([action, row]) =>
  Object.keys(VIEWERS).map((name, index) => [name, action as Action, row[index]] as const),
);

describe('who may do what', () => {
  test('is said of every action', () => expect(Object.keys(TABLE).sort()).toEqual(Object.keys(RIGHTS).sort()));

  test.each(CASES)('%s, %s: %j', (name, action, sight) => {
    const viewer = VIEWERS[name]!;
    const ask = () => authorise(viewer, action);
    if (sight === 'refused') {
      return expect(ask).toThrow(errorWith({ code: 'FORBIDDEN', message: expect.stringContaining('may only read') }));
    }
    expect(sightOf(viewer, action)).toEqual(sight);
    if (sight !== 'none') return expect(ask).not.toThrow();
    if (name === 'anonymous') {
      const message = expect.stringContaining('"Authorization: Bearer <token>"');
      return expect(ask).toThrow(errorWith({ code: 'UNAUTHENTICATED', message }));
    }
    const message = expect.stringMatching(new RegExp(`^This needs the role .+, but the token has: ${viewer.role}\\.$`));
    expect(ask).toThrow(errorWith({ code: 'FORBIDDEN', message }));
  });
});

test.each([
  ['operator', 'partner-a', true],
  ['operator', null, true],
  ['partner', 'partner-a', true],
  ['partner', 'partner-b', false],
  ['partner', 'PARTNER-A', false],
  ['partner', 'partner-a ', false],
  ['partner', '', false],
  ['partner', null, false],
  ['service', 'partner-a', false],
  ['service', null, false],
  ['anonymous', 'partner-a', false],
  ['anonymous', null, false],
])('%s, an order of %j: %s', (role, partnerId, sees) => {
  expect(maySeeOrder(VIEWERS[role]!, orderOf({ partnerId }))).toBe(sees);
});
