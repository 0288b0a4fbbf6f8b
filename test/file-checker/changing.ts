import type { Random } from '../../src/embedded/random.js';
import type { Bytes } from '../../src/units.js';
import { contentOf, hashOf } from './content.js';
import type { FileHistory, Version } from './history.js';
import type { Instance } from './instance.js';
import type { Settler, World } from './world.js';

/** One change of a file through, or told to, one gateway. */
export interface Changing {
  readonly world: World;
  readonly settler: Settler;
  readonly instance: Instance;
  readonly file: FileHistory;
  readonly random: Random;
  readonly onAcknowledged?: () => void;
}

/** The gateway has said that the version is the file now. `isRenewed`: Redis is known to have been told. */
export function acknowledge(
  { settler, instance, onAcknowledged }: Changing,
  version: Version,
  by: string,
  isRenewed: boolean,
): void {
  version.acknowledgedAt = performance.now();
  version.by = by;
  if (isRenewed) version.renewedAt = version.acknowledgedAt;
  else settler.watch({ instance, by, at: version.acknowledgedAt, settle: (now) => (version.renewedAt = now) });
  onAcknowledged?.();
}

/** Past all gateways. */
export async function write(store: World['store'], file: FileHistory, size: Bytes | undefined): Promise<Version> {
  const [version, bytes] = nextVersion(file, size);
  if (bytes) await store.put(file.path, bytes);
  else await store.remove(file.path);
  version.etag = (await store.head(file.path))?.etag;
  version.storedAt = performance.now();
  return version;
}

/** A version that is about to be written. */
export function nextVersion(file: FileHistory, size: Bytes | undefined): [Version, Buffer | undefined] {
  const number = file.versions.length + 1;
  const bytes = size === undefined ? undefined : contentOf(file.seed, number, 0, size);
  const version: Version = {
    number,
    size,
    hash: bytes && hashOf(bytes),
    sentAt: performance.now(),
    storedAt: Infinity,
    etag: undefined,
    acknowledgedAt: Infinity,
    by: undefined,
    renewedAt: Infinity,
    isVoid: false,
  };
  file.versions.push(version);
  return [version, bytes];
}
