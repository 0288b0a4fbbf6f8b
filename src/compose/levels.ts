import type { FastifyBaseLogger } from 'fastify';
import { newNonce } from '../cache/entry.js';
import type { Store } from '../cache/store.js';
import type { Config } from '../config.js';
import { LevelControl } from '../loaders/level-control.js';
import { reportLevels, type DayLevel, type LevelReportRange } from '../loaders/level-report.js';
import { LevelledLists } from '../loaders/levelled-lists.js';
import type { ListCache } from '../loaders/order-lists.js';
import type { OrderTtls } from '../loaders/entities.js';
import type { Levels } from '../loaders/order-reads.js';
import type { Decision } from '../orders/level-decide.js';
import { LevelGrid } from '../orders/level-grid.js';
import { TileLimit } from '../orders/level-limit.js';
import { LevelMeter } from '../orders/level-meter.js';
import { total } from '../orders/level-rates.js';
import { LevelTable } from '../orders/level-table.js';
import type { Order } from '../orders/order.js';
import { isoDay, isoMinute, type TimeRange } from '../orders/tiles.js';
import type { LevelGauges } from '../telemetry/metrics.js';
import { systemTime, type Time } from '../time.js';
import { DAY, type Clock, type Minutes } from '../units.js';
import type { Closing } from './closing.js';

export interface LevelSettings {
  readonly orders: Pick<Config['orders'], 'levels' | 'windowPolicy' | 'tileMaxRows' | 'ttl'>;
  readonly lifetimes: OrderTtls;
  readonly staleFor: number;
}

/** For tests and benchmarks; defaults are those of a server. */
export interface LevelSurroundings {
  readonly time: Time;
  /** Measures durations; finer than `time`. */
  readonly stopwatch: Clock;
  readonly random: () => number;
}

const SYSTEM: LevelSurroundings = { time: systemTime, stopwatch: () => performance.now(), random: Math.random };

/** The levels of one process: what is measured, what was decided, and what has to be told to whom. */
export class OpenedLevels implements Levels, LevelGauges {
  readonly table: LevelTable;
  readonly meter: LevelMeter;
  private readonly limit: TileLimit;
  private control: LevelControl | undefined;

  constructor(
    private readonly settings: LevelSettings,
    private readonly log: Pick<FastifyBaseLogger, 'info' | 'warn'>,
    private readonly surroundings: LevelSurroundings = SYSTEM,
  ) {
    const { levels, windowPolicy, tileMaxRows, ttl } = settings.orders;
    const initial = windowPolicy.kind === 'fixed' ? windowPolicy.level : Math.max(...levels);
    this.table = new LevelTable({ levels, initial, ttl, staleFor: settings.staleFor });
    this.meter = new LevelMeter(new LevelGrid(levels));
    this.limit = new TileLimit(this.table, tileMaxRows, surroundings.time.now, ({ tile, rows, level }) => {
      const what = { tile: isoMinute(tile.from), minutes: tile.minutes, rows, most: tileMaxRows, level };
      log.warn(
        what,
        level < tile.minutes ? 'over-full tile: its day falls to a smaller level' : 'over-full tile of the smallest level',
      );
    });
  }

  readonly levelOf = (day: number): Minutes => this.table.levelOf(day);

  readonly wanted = (ranges: readonly TimeRange[]): void => this.meter.wanted(ranges);

  /** `cache`, read at the level that each day has. */
  lists(cache: ListCache): LevelledLists {
    return new LevelledLists({
      cache,
      table: this.table,
      clock: this.surroundings.time.now,
      stopwatch: this.surroundings.stopwatch,
      lookedUp: (tiles, time) => this.meter.lookedUp(tiles, time),
      answered: (tile, { value, outcome }) => {
        this.meter.answered(tile, value.length, outcome === 'hit-memory' || outcome === 'hit-store');
        this.limit.check(tile, value.length);
      },
    });
  }

  /** `load`, with its time taken. */
  async timed<T extends { readonly orders: readonly Order[] }>(load: () => Promise<T>): Promise<T> {
    const start = this.surroundings.stopwatch();
    const loaded = await load();
    this.meter.loaded(loaded.orders.length, this.surroundings.stopwatch() - start);
    return loaded;
  }

  /** Begins to decide, together with all who share `store`. */
  start(store: Pick<Store, 'getMany' | 'setMany'>, closing: Closing): void {
    const { levels, windowPolicy } = this.settings.orders;
    const { time, random } = this.surroundings;
    this.control = new LevelControl({
      store,
      adaptive: windowPolicy.kind === 'adaptive' && levels.length > 1,
      meter: this.meter,
      table: this.table,
      lifetimes: this.settings.lifetimes,
      time,
      random,
      id: newNonce(),
      onDecision: (decision) => this.log.info(asLogged(decision), 'window level'),
    });
    const { control } = this;
    control.start();
    closing.push(() => control.close());
  }

  readonly report = (range: LevelReportRange): DayLevel[] => {
    const { meter, table, control } = this;
    const parts = {
      meter,
      table,
      lifetimes: this.settings.lifetimes,
      demandsOfOthers: (day: number) => control?.demandsOfOthers(day) ?? [],
    };
    return reportLevels(parts, range, this.surroundings.time.now());
  };

  get switches(): number {
    return this.table.switches;
  }

  get overfull(): number {
    return this.limit.falls;
  }

  /** How many of the days that are measured have each level. */
  get daysByLevel(): ReadonlyMap<Minutes, number> {
    const days = new Map(this.table.levels.map((level) => [level, 0]));
    for (const day of this.meter.days) days.set(this.levelOf(day), (days.get(this.levelOf(day)) ?? 0) + 1);
    return days;
  }
}

function asLogged({ day, from, to, demand, costs, prices }: Decision): object {
  return {
    day: isoDay(day * DAY),
    from,
    to,
    operationsPerMinute: short(demand.operations),
    costs: costs.map(({ level, cost }, index) => ({
      level,
      msPerMinute: short(cost),
      readsPerMinute: short(total(demand.reads[index])),
      changesPerMinute: short(total(demand.changes[index])),
    })),
    rowsPerMinute: short(total(demand.rows) / Math.max(1, demand.rows.length)),
    statementMs: short(prices.statement),
    rowMs: short(prices.row),
    lookupMs: short(prices.lookup),
  };
}

function short(value: number): number {
  return Number(value.toPrecision(3));
}
