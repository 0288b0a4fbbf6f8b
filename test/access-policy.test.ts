import { authorise, maySeeFileOf, maySeeOrder, type Action } from '../src/access/policy.js';
import type { Viewer } from '../src/access/viewer.js';
import { errorWith, orderOf } from './support/orders.js';

const VIEWERS: Record<string, Viewer> = {
  operator: { role: 'operator', subject: 'ada' },
  partner: { role: 'partner', subject: 'bob', partnerId: 'partner-a' },
  service: { role: 'service', subject: 'store' },
  anonymous: { role: 'anonymous' },
};

const TABLE: readonly (readonly [action: Action, allowed: readonly string[], needed: string])[] = [
  ['read-orders', ['operator', 'partner'], 'operator or partner'],
  ['read-files', ['operator', 'partner', 'service'], 'operator or partner or service'],
  ['change-orders', ['operator'], 'operator'],
  ['announce-files', ['operator', 'service'], 'operator or service'],
  ['write-files', ['operator', 'service'], 'operator or service'],
];

const CASES = TABLE.flatMap(([action, allowed, needed]) =>
  Object.keys(VIEWERS).map((role) => [role, allowed.includes(role) ? 'may' : 'may not', action, needed] as const),
);

describe('who may do what', () => {
  test.each(CASES)('%s %s %s', (role, may, action, needed) => {
    const ask = () => authorise(VIEWERS[role]!, action);
    if (may === 'may') expect(ask).not.toThrow();
    else if (role === 'anonymous') {
      const message = expect.stringContaining('"Authorization: Bearer <token>"');
      expect(ask).toThrow(errorWith({ code: 'UNAUTHENTICATED', message }));
    } else {
      const message = `This needs the role ${needed}, but the token has: ${role}.`;
      expect(ask).toThrow(errorWith({ code: 'FORBIDDEN', message }));
    }
  });
});

describe('who sees what', () => {
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

  test.each([
    ['operator', [], true],
    ['service', [], true],
    ['partner', ['partner-a'], true],
    ['partner', ['partner-b', 'partner-a'], true],
    ['partner', ['partner-b', 'partner-aa'], false],
    ['partner', [], false],
    ['anonymous', ['partner-a'], false],
    ['anonymous', [], false],
  ])('%s, a file of %j: %s', (role, owners, sees) => {
    expect(maySeeFileOf(VIEWERS[role]!, owners)).toBe(sees);
  });
});
