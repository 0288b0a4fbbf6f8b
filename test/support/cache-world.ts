import type { Scheduler } from 'fast-check';
import type { Answer, CachedEntity } from '../../src/cache/entity.js';
import type { Trace } from '../../src/cache/outcome.js';
import { ReadThrough } from '../../src/cache/read-through.js';
import type { Renewals } from '../../src/cache/renewals.js';
import {
  unavailable,
  type Claim,
  type Claimed,
  type Store,
  type StoreEntry,
  type StoreRead,
  type StoreWrite,
} from '../../src/cache/store.js';
import type { Time } from '../../src/time.js';
import { MINUTE, type Milliseconds } from '../../src/units.js';
import { cacheParts, type PartsOptions } from './cache-parts.js';

export const SILENT: Trace = { outcome: () => undefined, storeRoundTrip: () => undefined, sqlStatement: () => undefined };

/** The source: each key has a version that commits raise. */
export class VersionedSource {
  private readonly versions = new Map<string, number>();
  statements = 0;

  commit(key: string): number {
    const version = this.version(key) + 1;
    this.versions.set(key, version);
    return version;
  }

  version(key: string): number {
    return this.versions.get(key) ?? 0;
  }

  read(keys: readonly string[]): number[] {
    this.statements += 1;
    return keys.map((key) => this.version(key));
  }
}

/** Decides when each step of concurrent work happens. */
export type Pause = (label: string) => Promise<void>;

export function pauseOf(scheduler: Scheduler): Pause {
  return async (label) => {
    await scheduler.schedule(Promise.resolve(), label);
  };
}

/** What may go wrong with one request to the store. `lost`: it never arrives. `unanswered`: it arrives, but no answer does. */
export type Fault = 'none' | 'lost' | 'unanswered';

/** A store whose requests and answers travel as slowly as the schedule wants, and get lost as `nextFault` says. */
export class ChaosStore implements Store {
  constructor(
    private readonly inner: Store,
    private readonly pause: Pause,
    private readonly nextFault: () => Fault = () => 'none',
  ) {}

  getMany(keys: readonly string[]): Promise<StoreRead> {
    return this.travel('read', () => this.inner.getMany(keys));
  }

  setMany(entries: readonly StoreEntry[]): Promise<StoreWrite> {
    return this.travel('write', () => this.inner.setMany(entries));
  }

  claim(claims: readonly Claim[], owner: string, ttl: number): Promise<Claimed> {
    return this.travel('claim', () => this.inner.claim(claims, owner, ttl));
  }

  async hold(lockKeys: readonly string[], owner: string, ttl: number): Promise<void> {
    await this.pause('hold on its way');
    await this.inner.hold(lockKeys, owner, ttl);
  }

  close(): Promise<void> {
    return this.inner.close();
  }

  private async travel<T extends StoreRead | StoreWrite | Claimed>(label: string, request: () => Promise<T>) {
    const fault = this.nextFault();
    await this.pause(`${label} on its way`);
    if (fault === 'lost') return unavailable('lost');
    const answer = await request();
    await this.pause(`${label} answered`);
    return fault === 'unanswered' ? unavailable('unanswered') : answer;
  }
}

export function versionedEntity(
  load: (keys: readonly string[]) => Promise<number[]>,
  ttl: Milliseconds = MINUTE,
): CachedEntity<string, number> {
  return {
    name: 'versions',
    valueKey: (key) => `value:${key}`,
    tokenKey: (key) => `token:${key}`,
    load,
    ttl: () => ttl,
    weigh: () => 8,
    pack: (value) => value,
    unpack: (stored) => stored as number,
  };
}

/** One gateway process, as far as the cache goes. */
export class Instance {
  readonly renewals: Renewals;
  readonly cache: ReadThrough<string, number>;

  constructor(
    private readonly source: VersionedSource,
    store: Store,
    private readonly pause: Pause,
    time: Time,
    options: PartsOptions & { readonly ttl?: Milliseconds } = {},
  ) {
    const parts = cacheParts(store, time, options);
    this.renewals = parts.renewals;
    this.cache = new ReadThrough(
      versionedEntity((keys) => this.load(keys), options.ttl),
      parts,
    );
  }

  /** The database's answer is fixed at one moment, between the request and the arrival of the answer. */
  async load(keys: readonly string[]): Promise<number[]> {
    await this.pause('statement on its way');
    const values = this.source.read(keys);
    await this.pause('rows on their way');
    return values;
  }

  async read(keys: readonly string[]): Promise<number[]> {
    return (await this.answers(keys)).map(({ value }) => value);
  }

  answers(keys: readonly string[]): Promise<Answer<number>[]> {
    return this.cache.readMany(keys, SILENT);
  }

  /** Commits and invalidates. Answers the version that is acknowledged, and whether the store knows. */
  async change(key: string): Promise<{ version: number; renewed: boolean }> {
    await this.pause('commit');
    const version = this.source.commit(key);
    await this.pause('committed');
    return { version, renewed: (await this.renewals.renew([`token:${key}`])) === 'renewed' };
  }
}
