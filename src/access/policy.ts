import { GatewayError } from '../errors.js';
import type { Order } from '../orders/order.js';
import type { Role, Viewer } from './viewer.js';

/** Everything that a caller may ask for. */
export type Action = 'read-orders' | 'read-files' | 'change-orders' | 'announce-files' | 'write-files' | 'read-levels';

/** Who may do what. A partner may read, but sees only what is its own: `maySeeOrder`, `maySeeFileOf`. */
const ALLOWED: Readonly<Record<Action, readonly Role[]>> = {
  'read-orders': ['operator', 'partner'],
  'read-files': ['operator', 'partner', 'service'],
  'change-orders': ['operator'],
  'announce-files': ['operator', 'service'],
  'write-files': ['operator', 'service'],
  'read-levels': ['operator'],
};

/** @throws GatewayError UNAUTHENTICATED without a token, FORBIDDEN for a role that may not */
export function authorise(viewer: Viewer, action: Action): void {
  if (viewer.role === 'anonymous') {
    throw new GatewayError('UNAUTHENTICATED', 'A token is needed: send the header "Authorization: Bearer <token>".');
  }
  if (ALLOWED[action].includes(viewer.role)) return;
  throw new GatewayError('FORBIDDEN', `This needs the role ${ALLOWED[action].join(' or ')}, but the token has: ${viewer.role}.`);
}

/** Partners see their own orders only; whoever else may read orders sees all. */
export function maySeeOrder(viewer: Viewer, order: Pick<Order, 'partnerId'>): boolean {
  return viewer.role === 'operator' || (viewer.role === 'partner' && order.partnerId === viewer.partnerId);
}

/** Partners see the files that their own orders name. `owners`: the partners that have an order with the file. */
export function maySeeFileOf(viewer: Viewer, owners: readonly string[]): boolean {
  if (viewer.role === 'partner') return owners.includes(viewer.partnerId);
  return viewer.role === 'operator' || viewer.role === 'service';
}
