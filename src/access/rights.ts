import type { Role } from './viewer.js';

/** Everything that a caller may ask for. */
export type Action =
  | 'read-orders'
  | 'watch-orders'
  | 'read-files'
  | 'read-levels'
  | 'read-costs'
  | 'read-audit'
  | 'change-orders'
  | 'announce-files'
  | 'write-files';

interface Right {
  /** Whose things each role may do it to: everybody's, or its own only; a role that is absent may not. */
  readonly to: Readonly<Partial<Record<Role, 'all' | 'own'>>>;
  /** Whether it changes something, which those who may only read may not. */
  readonly changes?: true;
}

/** Who may do what. This table decides alone; `policy.ts` reads it. docs/security.md shows it cell by cell, as tested. */
export const RIGHTS: Readonly<Record<Action, Right>> = {
  'read-orders': { to: { operator: 'all', partner: 'own' } },
  'watch-orders': { to: { operator: 'all', partner: 'own' } },
  'read-files': { to: { operator: 'all', partner: 'own', service: 'all' } },
  'read-levels': { to: { operator: 'all' } },
  'read-audit': { to: { operator: 'all' } },
  /** Of one's own operation: outcomes of the cache, statements, round trips. They would tell what others have read. */
  'read-costs': { to: { operator: 'all', service: 'all' } },
  'change-orders': { to: { operator: 'all' }, changes: true },
  'announce-files': { to: { operator: 'all', service: 'all' }, changes: true },
  'write-files': { to: { operator: 'all', service: 'all' }, changes: true },
};
