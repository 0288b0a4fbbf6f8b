import type { CachedEntity } from '../cache/entity.js';
import { ownFileKey, ownFileTokenKey } from '../files/keys.js';
import { ownOrderKey, ownOrderTokenKey } from '../orders/keys.js';
import type { OrderTtls } from './entities.js';

/** Asks whether something is a partner's own: an order by its id, a file by its path. */
export interface Claim {
  readonly partnerId: string;
  readonly of: string;
}

export function claimKey({ partnerId, of }: Claim): string {
  return JSON.stringify([partnerId, of]);
}

/** Of `partners` and the things that were asked for, the pairs that belong together. One statement. */
type LoadOwned = (partners: readonly string[], things: readonly string[], signal: AbortSignal) => Promise<readonly Claim[]>;

/**
 * Which orders are a partner's own. Kept for each partner apart, and touched by what changes the answer and by nothing else:
 * so what is somebody else's is told from what does not exist by no expiry, no entry that others have made warm, and no
 * invalidation.
 */
export function ownOrders(load: LoadOwned, ttls: OrderTtls): CachedEntity<Claim, boolean> {
  const keys = {
    valueKey: ({ partnerId, of }: Claim) => ownOrderKey(partnerId, of),
    tokenKey: ({ partnerId, of }: Claim) => ownOrderTokenKey(partnerId, of),
  };
  return ownership('own-order', keys, load, ttls);
}

/** Which files are named by a partner's own orders; kept as `ownOrders` are. */
export function ownFiles(load: LoadOwned, ttls: OrderTtls): CachedEntity<Claim, boolean> {
  const keys = {
    valueKey: ({ partnerId, of }: Claim) => ownFileKey(partnerId, of),
    tokenKey: ({ partnerId, of }: Claim) => ownFileTokenKey(partnerId, of),
  };
  return ownership('own-file', keys, load, ttls);
}

function ownership(
  name: string,
  keys: Pick<CachedEntity<Claim, boolean>, 'valueKey' | 'tokenKey'>,
  load: LoadOwned,
  ttls: OrderTtls,
): CachedEntity<Claim, boolean> {
  return {
    name,
    ...keys,
    load: async (claims, trace, _former, signal) => {
      trace.sqlStatement();
      const [partners, things] = [claims.map(({ partnerId }) => partnerId), claims.map(({ of }) => of)];
      const owned = new Set((await load([...new Set(partners)], [...new Set(things)], signal)).map(claimKey));
      return claims.map((claim) => owned.has(claimKey(claim)));
    },
    ttl: (_claim, isOwn) => (isOwn ? ttls.ttl : ttls.freshTtl),
    weigh: () => 8,
    pack: (isOwn) => isOwn,
    unpack: (stored) => stored === true,
  };
}
