import { readFileSync } from 'node:fs';

/** An entry of package-lock.json (lockfileVersion 3), as far as it is looked at here. */
export interface LockEntry {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly license?: string;
  readonly dev?: boolean;
  readonly devOptional?: boolean;
  readonly optional?: boolean;
}

export interface Lock {
  readonly lockfileVersion: number;
  /** By the place in the tree, such as `node_modules/pg`; the project itself is ''. */
  readonly packages: Readonly<Record<string, LockEntry>>;
}

export interface LockedPackage extends LockEntry {
  readonly place: string;
  readonly name: string;
}

export function readLock(): Lock {
  return JSON.parse(readFileSync('package-lock.json', 'utf8')) as Lock;
}

export function lockedPackages({ packages }: Lock): LockedPackage[] {
  return Object.entries(packages)
    .filter(([place]) => place !== '')
    .map(([place, entry]) => ({
      ...entry,
      place,
      name: place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length),
    }));
}

/** What `npm ci --omit=dev` installs; `optional`: on some platforms only, or for the demo. */
export function runtimePackages(lock: Lock): LockedPackage[] {
  return lockedPackages(lock).filter(({ dev, devOptional }) => dev !== true && devOptional !== true);
}
