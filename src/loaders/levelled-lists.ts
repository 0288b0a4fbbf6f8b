import type { Answer } from '../cache/entity.js';
import type { Trace } from '../cache/outcome.js';
import { GatewayError } from '../errors.js';
import { listKey } from '../orders/keys.js';
import { dayOf } from '../orders/level-grid.js';
import type { LevelTable } from '../orders/level-table.js';
import { sourcesOf, viewOf } from '../orders/level-views.js';
import type { OrderList } from '../orders/lists.js';
import type { Order } from '../orders/order.js';
import type { Tile } from '../orders/tiles.js';
import type { Clock, EpochMilliseconds, Milliseconds, Minutes } from '../units.js';
import type { ListCache } from './order-lists.js';

type ListAnswer = Answer<readonly Order[]>;

export interface LevelledParts {
  readonly cache: ListCache;
  readonly table: LevelTable;
  /** Told of every tile that was answered. */
  readonly answered: (tile: Tile, answer: ListAnswer) => void;
  /** Told of every read that found all its tiles in memory: how many, and the time it took. */
  readonly lookedUp: (tiles: number, time: Milliseconds) => void;
  readonly clock: Clock;
  /** Measures durations; finer than `clock`. */
  readonly stopwatch: Clock;
}

/**
 * The cached lists of orders where days change their level: after a switch, what the tiles of the former level still hold is
 * split or joined, and not loaded again.
 *
 * Invariant: the one of `ReadThrough`. A derived answer is a view, made for one reader out of answers that were valid
 * under their own tokens, and these tokens were read after the reader arrived. A change that was acknowledged before that
 * had renewed the tokens of all levels before, the sources' among them, so a source that it touched is not valid any more.
 *
 * A view is never put under the token of its own key. Tokens of different levels are not renewed at one moment: a renewal is
 * sent in pieces, to several servers of a Cluster, and again where one did not answer. In between, the source's token may
 * still be the old one and the view's already the new one. Old orders stamped with that new token would stay valid after
 * the change is acknowledged, until their time to live ends. That could only be right if tokens of all levels were
 * written, and read, at one moment.
 */
export class LevelledLists {
  constructor(private readonly parts: LevelledParts) {}

  /** As `ReadThrough.readMany`; the same and nothing more as long as no day is between two levels. */
  async readMany(lists: readonly OrderList[], trace: Trace, signal?: AbortSignal): Promise<ListAnswer[]> {
    const { cache, answered, lookedUp, stopwatch } = this.parts;
    const start = stopwatch();
    // In the same tick, so that the look-up joins those of the operation's other fields.
    const reading = this.isBetween(lists) ? this.readBetween(lists, trace, signal) : cache.readMany(lists, trace, signal);
    const answers = await reading.catch((error: unknown) => {
      if (signal?.aborted) throw error;
      return this.standIn(lists, error, trace, signal);
    });
    lists.forEach((list, index) => {
      const answer = answers[index];
      if (list.kind === 'tile' && answer) answered(list.tile, answer);
    });
    if (answers.every(({ outcome }) => outcome === 'hit-memory')) lookedUp(lists.length, stopwatch() - start);
    return answers;
  }

  flush(): Promise<void> {
    return this.parts.cache.flush();
  }

  private isBetween(lists: readonly OrderList[]): boolean {
    const now = this.parts.clock();
    return !this.parts.table.isSettled(now) && lists.some((list) => this.formerOf(list, now).length > 0);
  }

  /** The levels other than its own at which what `list` holds may still be fresh. */
  private formerOf(list: OrderList, now: EpochMilliseconds): Minutes[] {
    if (list.kind === 'new') return [];
    const { from, minutes } = list.tile;
    return this.parts.table.fresh(dayOf(from), now).filter((level) => level !== minutes);
  }

  private async readBetween(lists: readonly OrderList[], trace: Trace, signal?: AbortSignal): Promise<ListAnswer[]> {
    const found = await this.views(lists, trace);
    const missing = lists.filter((_, index) => !found[index]);
    const loaded = missing.length > 0 ? await this.parts.cache.readMany(missing, trace, signal) : [];
    const rest = loaded.values();
    return found.map((answer) => {
      if (answer) trace.outcome('orders', answer.outcome);
      const result = answer ?? rest.next().value;
      if (!result) throw new Error('must have an answer for every list by now');
      return result;
    });
  }

  /** One look-up for all lists of days in transition: what is valid as it is, or can be derived from what is. */
  private async views(lists: readonly OrderList[], trace: Trace): Promise<(ListAnswer | undefined)[]> {
    const now = this.parts.clock();
    const wanted = lists.map((list) => {
      const former = list.kind === 'tile' ? this.formerOf(list, now).map((level) => sourcesOf(list.tile, level)) : [];
      return former.length > 0 ? [[list], ...former] : [];
    });
    const peeked = await this.peek(wanted.flat(2), trace);
    return lists.map((list, index) => {
      for (const sources of wanted[index] ?? []) {
        const view = derive(
          list,
          sources.map((source) => peeked.get(listKey(source))),
        );
        if (view) return view;
      }
      return undefined;
    });
  }

  private async peek(lists: readonly OrderList[], trace: Trace): Promise<ReadonlyMap<string, ListAnswer | undefined>> {
    const distinct = new Map(lists.map((list) => [listKey(list), list]));
    if (distinct.size === 0) return new Map();
    const answers = await this.parts.cache.peekMany([...distinct.values()], trace);
    return new Map([...distinct.keys()].map((key, index) => [key, answers[index]]));
  }

  /** Where the source does not answer: what is known may be known at the level that the day had before. */
  private async standIn(lists: readonly OrderList[], error: unknown, trace: Trace, signal?: AbortSignal): Promise<ListAnswer[]> {
    const now = this.parts.clock();
    const sources = lists.map((list) => {
      const level = list.kind === 'tile' ? this.parts.table.standIn(dayOf(list.tile.from), now) : undefined;
      return list.kind === 'tile' && level !== undefined ? sourcesOf(list.tile, level) : [list];
    });
    const isOutage = error instanceof GatewayError && error.code === 'SOURCE_UNAVAILABLE';
    const others = new Map(sources.flat().map((list) => [listKey(list), list]));
    if (!isOutage || lists.every((list) => others.has(listKey(list)))) throw error;
    const answers = await this.parts.cache.readMany([...others.values()], trace, signal);
    const known = new Map([...others.keys()].map((key, index) => [key, answers[index]]));
    return lists.map((list, index) => {
      const view = derive(
        list,
        (sources[index] ?? []).map((source) => known.get(listKey(source))),
      );
      if (!view) throw error;
      return view;
    });
  }
}

/** `undefined` unless all `sources` are there. As old as the oldest of them. */
function derive(list: OrderList, sources: readonly (ListAnswer | undefined)[]): ListAnswer | undefined {
  const all = sources.filter((source) => source !== undefined);
  const [first] = all;
  if (!first || all.length < sources.length) return undefined;
  return {
    value: viewOf(
      list,
      all.map(({ value }) => value),
    ),
    loadedAt: Math.min(...all.map(({ loadedAt }) => loadedAt)),
    outcome: all.find(({ outcome }) => outcome !== 'hit-memory')?.outcome ?? 'hit-memory',
  };
}
