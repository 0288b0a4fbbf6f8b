import type { CachedEntity } from '../cache/entity.js';
import type { Order } from '../orders/order.js';
import { fileKey, fileTokenKey } from '../files/keys.js';
import { orderKey, orderTokenKey } from '../orders/keys.js';
import type { FileMetadata } from '../files/file.js';
import type { Bytes, EpochMilliseconds, Milliseconds } from '../units.js';

/** A file as the cache holds it: `bytes` only when it is small. */
export interface CachedFile {
  readonly metadata: FileMetadata;
  readonly bytes?: Buffer;
  /** When the store was asked for `bytes`. */
  readonly readAt?: EpochMilliseconds;
}

export interface OrderTtls {
  readonly ttl: Milliseconds;
  /** For what an outside program is likely to change soon: the lists that contain now, and "there is no such order". */
  readonly freshTtl: Milliseconds;
}

export interface FileTtls {
  readonly ttl: Milliseconds;
  /** How long "there is no such file" is believed. */
  readonly absentTtl: Milliseconds;
}

/** A decoded order in memory: 445 bytes by measurement with 100 000 of them; the rest is room for longer texts. */
export const ORDER_SIZE: Bytes = 600;

/** Single orders by id; `null`: there is none. */
export function singleOrders(
  load: (ids: readonly string[], signal: AbortSignal) => Promise<readonly Order[]>,
  ttls: OrderTtls,
): CachedEntity<string, Order | null> {
  return {
    name: 'order',
    valueKey: orderKey,
    tokenKey: orderTokenKey,
    load: async (ids, trace, _former, signal) => {
      trace.sqlStatement();
      const found = new Map((await load(ids, signal)).map((order) => [order.id, order]));
      return ids.map((id) => found.get(id) ?? null);
    },
    ttl: (_id, order) => (order ? ttls.ttl : ttls.freshTtl),
    weigh: () => ORDER_SIZE,
    pack: (order) => order,
    unpack: (stored) => stored as Order | null,
  };
}

/** Files: metadata, and the bytes of small ones. `null`: there is no such file. */
export function files(
  load: (path: string, former: () => CachedFile | null | undefined) => Promise<CachedFile | null>,
  ttls: FileTtls,
): CachedEntity<string, CachedFile | null> {
  return {
    name: 'file',
    valueKey: fileKey,
    tokenKey: fileTokenKey,
    load: (paths, _trace, former) => Promise.all(paths.map((path, index) => load(path, () => former(index)))),
    ttl: (_path, file) => (file ? ttls.ttl : Math.min(ttls.ttl, ttls.absentTtl)),
    weigh: (file) => ORDER_SIZE + (file?.bytes?.length ?? 0),
    pack: (file) => file && { ...file, bytes: file.bytes?.toString('base64') },
    unpack: (stored) => {
      const file = stored as (Omit<CachedFile, 'bytes'> & { bytes?: string }) | null;
      if (!file) return null;
      const { bytes, ...rest } = file;
      return { ...rest, ...(bytes !== undefined && { bytes: Buffer.from(bytes, 'base64') }) };
    },
  };
}
