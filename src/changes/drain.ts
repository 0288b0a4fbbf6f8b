import type { Renewals } from '../cache/renewals.js';
import type { PlantCalendar } from '../orders/plant-day.js';
import type { Time } from '../time.js';
import type { Milliseconds, Minutes } from '../units.js';
import type { LoggedChange } from './change-log.js';
import type { FeedRead } from './feed-log.js';
import type { FeedStatus } from './feed-status.js';
import type { Origins } from './origins.js';
import { changedId, touchedBesideLists, touchedTokens } from './touched.js';
import { dayTokens } from './whole-days.js';

/** Tokens that are renewed before the leader shows again that it is alive. */
const SLICE = 5_000;
/** Tokens gathered before they are renewed at the latest; a bound on memory. */
const GATHERED_MAX = 500_000;

/** A store that is merely slow for a moment is asked again before the lead is given up. */
const ATTEMPTS = 3;
const ATTEMPT_PAUSE: Milliseconds = 200;

/** Counts what the feed does. */
export interface FeedCounters {
  feedChanges(source: 'outside' | 'gateway', count: number): void;
  feedTakenOver(mutations: number): void;
}

export interface DrainParts {
  readonly renewals: Pick<Renewals, 'renew'>;
  readonly origins: Origins;
  readonly levels: readonly Minutes[];
  readonly calendar: PlantCalendar;
  readonly status: FeedStatus;
  readonly counters: FeedCounters;
  readonly time: Time;
}

/** A renewal that the store has not acknowledged: nobody may take it for done. */
export class NotAcknowledgedError extends Error {
  override readonly name = 'NotAcknowledgedError';

  constructor() {
    super('the store has not acknowledged a renewal');
  }
}

/**
 * Renews what changed. Changes by other programs at once, each token once for a whole read however many changes touch it;
 * changes by a gateway's mutation only when that gateway does not.
 */
export class Drain {
  constructor(private readonly parts: DrainParts) {}

  /**
   * Renews what other programs changed. `rest` settles when the gateways' own changes are renewed, by whomever.
   * `rest` and the call reject with NotAcknowledgedError.
   * @param progress called now and then while it takes long
   */
  async take(read: FeedRead, progress: () => void): Promise<{ readonly found: boolean; readonly rest: Promise<void> }> {
    const done = this.parts.status.waits(read.age);
    try {
      const { found, own } = read.wholeDays
        ? await this.takeDays(read, read.wholeDays, progress)
        : await this.takeRows(read, progress);
      return { found, rest: this.takeOver(own, progress).finally(done) };
    } catch (error) {
      done();
      throw error;
    }
  }

  private async takeRows(read: FeedRead, progress: () => void) {
    const { origins, counters, levels, calendar } = this.parts;
    const own = new Map<string, LoggedChange[]>();
    let tokens = new Set<string>();
    let found = false;
    for await (const page of read.pages) {
      found ||= page.length > 0;
      const outside: LoggedChange[] = [];
      for (const change of page) {
        if (change.origin === undefined || !origins.isOurs(change.origin)) outside.push(change);
        else listAt(own, change.origin).push(change);
      }
      counters.feedChanges('outside', outside.length);
      counters.feedChanges('gateway', page.length - outside.length);
      for (const token of touchedTokens(outside, levels, calendar)) tokens.add(token);
      if (tokens.size > GATHERED_MAX) {
        await this.renew([...tokens], progress);
        tokens = new Set();
      }
      progress();
    }
    await this.renew([...tokens], progress);
    return { found, own };
  }

  /** All lists of the days, then order by order what is not a list. Whose changes they are makes no difference. */
  private async takeDays(read: FeedRead, wholeDays: NonNullable<FeedRead['wholeDays']>, progress: () => void) {
    const { counters, levels, calendar } = this.parts;
    const lists = new Set<string>();
    for (const day of await wholeDays()) for (const token of dayTokens(day, levels, calendar)) lists.add(token);
    await this.renew([...lists], progress);
    for await (const page of read.pages) {
      counters.feedChanges('outside', page.length);
      await this.renew([...new Set(page.flatMap(touchedBesideLists))], progress);
    }
    return { found: true, own: new Map<string, LoggedChange[]>() };
  }

  private async takeOver(own: ReadonlyMap<string, readonly LoggedChange[]>, progress: () => void): Promise<void> {
    if (own.size === 0) return;
    const { origins, levels, calendar, counters } = this.parts;
    const renewed = await origins.renewed([...own.keys()]);
    const left = [...own].flatMap(([origin, changes]) =>
      changes.filter((change) => !renewed.get(origin)?.has(changedId(change))),
    );
    if (left.length === 0) return;
    await this.renew(touchedTokens(left, levels, calendar), progress);
    counters.feedTakenOver(own.size - renewed.size);
  }

  private async renew(tokens: readonly string[], progress: () => void): Promise<void> {
    for (let from = 0; from < tokens.length; from += SLICE) {
      await this.renewSlice(tokens.slice(from, from + SLICE));
      progress();
    }
  }

  private async renewSlice(tokens: readonly string[]): Promise<void> {
    for (let attempt = 1; (await this.parts.renewals.renew(tokens)) === 'pending'; attempt += 1) {
      if (attempt === ATTEMPTS) throw new NotAcknowledgedError();
      await new Promise<void>((resolve) => void this.parts.time.after(ATTEMPT_PAUSE, resolve));
    }
  }
}

function listAt<K, V>(lists: Map<K, V[]>, key: K): V[] {
  const list = lists.get(key) ?? [];
  lists.set(key, list);
  return list;
}
