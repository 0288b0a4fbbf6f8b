import { GatewayError } from '../errors.js';
import type { Order } from '../orders/order.js';
import { RIGHTS, type Action } from './rights.js';
import type { Viewer } from './viewer.js';

/** Whose things a viewer may see by some action: everybody's, one partner's, nobody's. */
export type Sight = 'all' | 'none' | { readonly partnerId: string };

/** @throws GatewayError UNAUTHENTICATED without a token, FORBIDDEN for a role that may not, or a caller who may only read */
export function authorise(viewer: Viewer, action: Action): void {
  if (sightOf(viewer, action) === 'none') throw refusal(viewer, action);
  if (RIGHTS[action].changes && viewer.role !== 'anonymous' && viewer.readOnly) {
    throw new GatewayError('FORBIDDEN', 'This changes something, but the caller may only read.');
  }
}

/** What the viewer may see by `action`. It is decided after the read: what is cached is the same for everyone. */
export function sightOf(viewer: Viewer, action: Action): Sight {
  const to = RIGHTS[action].to[viewer.role] ?? 'none';
  if (to !== 'own') return to;
  return viewer.role === 'partner' ? { partnerId: viewer.partnerId } : 'none';
}

/** Whether the order is there for the viewer. */
export function maySeeOrder(viewer: Viewer, { partnerId }: Pick<Order, 'partnerId'>): boolean {
  const sight = sightOf(viewer, 'read-orders');
  return typeof sight === 'object' ? partnerId === sight.partnerId : sight === 'all';
}

function refusal(viewer: Viewer, action: Action): GatewayError {
  if (viewer.role === 'anonymous') {
    return new GatewayError('UNAUTHENTICATED', 'A token is needed: send the header "Authorization: Bearer <token>".');
  }
  const roles = Object.keys(RIGHTS[action].to).join(' or ');
  return new GatewayError('FORBIDDEN', `This needs the role ${roles}, but the token has: ${viewer.role}.`);
}
